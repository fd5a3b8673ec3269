/** The certificate that a call shows in the TLS handshake, with its key. */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { CliError, usageError } from '../errors.ts';

export interface CertificateFlags {
  /** Paths of PEM files. */
  readonly mcpClientCertificate?: string;
  readonly mcpClientKey?: string;
}

export interface ClientCertificate {
  /** PEM: its own, and those between it and the authority. */
  readonly cert: string;
  readonly key: string;
}

/** Undefined where none is given. @throws {CliError} when the files do not belong together */
export async function clientCertificate({
  mcpClientCertificate: certFile,
  mcpClientKey: keyFile,
}: CertificateFlags): Promise<ClientCertificate | undefined> {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined)
    throw usageError('--mcp-client-certificate and --mcp-client-key must be given together');
  const [cert, key] = await Promise.all([
    read(certFile, '--mcp-client-certificate'),
    read(keyFile, '--mcp-client-key'),
  ]);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    // OpenSSL's own words may quote what it read.
    throw new CliError(
      `--mcp-client-key: ${keyFile} is not the private key, in PEM and without a passphrase, of the certificate in ${certFile}`,
      { cause: error },
    );
  }
  return { cert, key };
}

async function read(file: string, flag: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CliError(`${flag}: cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}
