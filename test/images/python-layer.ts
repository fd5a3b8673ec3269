/** The files of an image from scratch that runs Python: the interpreter of an environment, its packages, and git. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, globSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { installPackages, missingPackages } from '../../manifests/packages.ts';

export const PYTHON = '/usr/bin/python3';
const GIT = '/usr/bin/git';
const PACKAGES_IN_IMAGE = '/app/site-packages';
export const PYTHON_ENV = [`PYTHONPATH=${PACKAGES_IN_IMAGE}`, 'PYTHONDONTWRITEBYTECODE=1'];

/** Of the standard library: tests, windows, what installs packages, and other versions' packages. */
const LEFT_OUT =
  /\/(test|tests|idlelib|tkinter|turtledemo|ensurepip|lib2to3|site-packages|dist-packages|__pycache__|config-[^/]+)(\/|$)/;
const NOT_IN_PACKAGES = /\/(pip|setuptools|__pycache__)(-[^/]*)?(\/|$)/;

const NOTHING = /(?!)/;

interface Interpreter {
  readonly executable: string;
  readonly version: string;
  readonly library: string;
  readonly packages: string;
}

/** @param environment the interpreter of a virtual environment */
export function stagePython(environment: string, directory: string): void {
  installPackages(missingPackages({ git: GIT }));
  const { executable, version, library, packages } = interpreterOf(environment);
  const copy = (from: string, to: string, leftOut = NOTHING): void => {
    mkdirSync(dirname(join(directory, to)), { recursive: true });
    const filter = (path: string): boolean => !leftOut.test(path.slice(from.length));
    cpSync(realpathSync(from), join(directory, to), { recursive: true, dereference: true, filter });
  };
  const libraryInImage = `/usr/lib/python${version}`;
  copy(executable, PYTHON);
  copy(library, libraryInImage, LEFT_OUT);
  copy(packages, PACKAGES_IN_IMAGE, NOT_IN_PACKAGES);
  copy(GIT, GIT);
  const modules = [library, packages].flatMap((root) =>
    globSync('**/*.so', { cwd: root }).map((file) => join(root, file)),
  );
  for (const [name, from] of librariesOf([executable, GIT, ...modules], packages)) copy(from, name);
  // Times of sources are lost in a layer, and the root is read-only: without this every start would compile them all.
  const compile = ['-m', 'compileall', '-q', '--invalidation-mode', 'unchecked-hash'];
  execFileSync(environment, [
    ...compile,
    join(directory, libraryInImage),
    join(directory, PACKAGES_IN_IMAGE),
  ]);
  mkdirSync(join(directory, 'etc'));
  writeFileSync(join(directory, 'etc', 'passwd'), 'nonroot:x:65532:65532:nonroot:/:/bin/false\n');
  mkdirSync(join(directory, 'tmp'));
  chmodSync(join(directory, 'tmp'), 0o1777);
}

function interpreterOf(environment: string): Interpreter {
  const asked = `import json, os, sys, sysconfig
print(json.dumps({ "executable": os.path.realpath(sys.executable), "version": "%d.%d" % sys.version_info[:2],
                   "library": os.path.dirname(os.__file__), "packages": sysconfig.get_path("purelib") }))`;
  return JSON.parse(execFileSync(environment, ['-c', asked], { encoding: 'utf8' })) as Interpreter;
}

/** Where the image has them, the loader included, and where they are; wheels have some of their own. */
function librariesOf(files: readonly string[], packages: string): Map<string, string> {
  const found = new Map<string, string>();
  const listed = execFileSync('ldd', [...files], { encoding: 'utf8', maxBuffer: 1 << 24 });
  for (const [, path = ''] of listed.matchAll(/^\t(?:\S+ => )?(\/\S+) \(0x/gm)) {
    if (path.startsWith(packages)) continue;
    const isLoader = basename(path).startsWith('ld-linux');
    found.set(
      isLoader
        ? path
        : join('/lib', `${process.arch === 'x64' ? 'x86_64' : 'aarch64'}-linux-gnu`, basename(path)),
      path,
    );
  }
  return found;
}
