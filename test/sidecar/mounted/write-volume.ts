import {
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

type Files = Readonly<Record<string, string>>;

let version = 0;

/** In the order of the kubelet's atomic writer: new directory, swap, links of new names, links of old ones, old directory. */
export function writeAsKubelet(directory: string, files: Files): void {
  const next = `..2026_11_20_${String(version++).padStart(9, '0')}`;
  mkdirSync(join(directory, next));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, next, name), content);
  let before: string | undefined;
  try {
    before = readlinkSync(join(directory, '..data'));
  } catch {
    // The first version.
  }
  symlinkSync(next, join(directory, '..data_tmp'));
  renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
  const shown = readdirSync(directory).filter((name) => !name.startsWith('..'));
  for (const name of Object.keys(files))
    if (!shown.includes(name)) symlinkSync(join('..data', name), join(directory, name));
  for (const name of shown) if (!(name in files)) unlinkSync(join(directory, name));
  if (before) rmSync(join(directory, before), { recursive: true });
}

/** As Vault Agent does (consul-template's renderer): a temporary file in the same directory, renamed over. */
export function writeByRename(directory: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    const temporary = join(directory, String(Math.random()).slice(2));
    writeFileSync(temporary, content);
    renameSync(temporary, join(directory, name));
  }
}
