/** What every secret that masking knows has a part of, as data: where none of it is there is nothing to mask. */

/** Beginnings of tokens by which they are known within other text; `shapes.ts` has the rest of each. */
export const TOKEN_MARKS = [
  'kmcp_',
  'eyJ',
  'ghp_',
  'gho_',
  'ghu_',
  'ghs_',
  'ghr_',
  'github_pat_',
  'glpat-',
  'AKIA',
  'ASIA',
  'xox',
  'xapp-',
  'AIza',
  'sk-ant-',
  'sk-proj-',
  'sk-svcacct-',
  'sk-admin-',
  'sk-or-',
  'T3BlbkFJ',
  'npm_',
  'sk_live_',
  'sk_test_',
  'rk_live_',
  'rk_test_',
  'whsec_',
  'hf_',
  'pypi-AgEI',
  'dop_v1_',
] as const;

export const PRIVATE_KEY_MARK = 'PRIVATE KEY';

/** What Secrets, kubeconfigs and credentials of AWS are known by, in every way that servers write them. */
const NAMES = [
  'Secret',
  'secret_access',
  'secret-access',
  'secretAccess',
  'SECRET_ACCESS',
  // Types of Secrets, in objects that do not say their kind.
  'Opaque',
  'service-account-token',
  'dockerconfigjson',
  'dockercfg',
  'basic-auth',
  'ssh-auth',
  'io/tls',
  'helm.sh/release',
  'client-key-data',
  'users:',
  'users"',
  'users\\',
];

/** JSON may write any letter so, and slashes. */
const ESCAPED = ['\\u00', '\\/'];

/** Of any string's base64, wherever the string stands in what is encoded: what is the same each time. */
export function base64Forms(text: string): string[] {
  return [0, 1, 2].map((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(text)]);
    const chars = Math.floor((bytes.length * 8) / 6);
    return bytes
      .toString('base64')
      .slice(0, chars)
      .slice(Math.ceil((shift * 8) / 6));
  });
}

export const BASE64_MARKS: readonly string[] = [...TOKEN_MARKS, PRIVATE_KEY_MARK].flatMap(base64Forms);

/** What a text may hold, as bits. */
export const MAY = { token: 1, privateKey: 2, name: 4, base64: 8, escaped: 16 } as const;
export const ALL = 31;

export const TRIGGERS: readonly (readonly [bit: number, words: readonly string[]])[] = [
  [MAY.token, TOKEN_MARKS],
  [MAY.privateKey, [PRIVATE_KEY_MARK]],
  [MAY.name, NAMES],
  [MAY.base64, BASE64_MARKS],
  [MAY.escaped, ESCAPED],
];
