const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** RFC 9110, section 5.6.6: no spaces around the equals sign; an empty parameter is allowed. */
const PARAMETER = new RegExp(`^(${TOKEN})=(${TOKEN}|"(?:[\\t !#-\\[\\]-~]|\\\\[\\t -~])*")$`);

/**
 * What is wrong with the Content-Type of a message; undefined when it is JSON in UTF-8, however that is written.
 * @param rawHeaders names and values in turn, for Node's own view drops a second Content-Type
 */
export function contentTypeProblem(rawHeaders: readonly string[]): string | undefined {
  let value: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]!.length !== 12 || rawHeaders[at]!.toLowerCase() !== 'content-type') continue;
    if (value !== undefined) return 'there are two';
    value = rawHeaders[at + 1]!;
  }
  if (value === 'application/json') return undefined;
  if (value === undefined) return 'there is none';
  // A semicolon inside a quoted string ends nothing; no parameter of JSON's needs one.
  const [type = '', ...parameters] = value.split(';').map((part) => part.trim());
  if (type.toLowerCase() !== 'application/json') return 'it is another';
  return parametersProblem(parameters);
}

function parametersProblem(parameters: readonly string[]): string | undefined {
  let charset: string | undefined;
  for (const parameter of parameters) {
    if (parameter === '') continue;
    const [, name, value] = PARAMETER.exec(parameter) ?? [];
    if (name === undefined || value === undefined) return 'a parameter is malformed';
    if (name.toLowerCase() !== 'charset') continue;
    if (charset !== undefined) return 'there are two charsets';
    charset = value.replaceAll(/["\\]/g, '').toLowerCase();
    if (charset !== 'utf-8' && charset !== 'utf8') return 'the charset is not UTF-8';
  }
  return undefined;
}
