'use strict';

// Starts the cdktf CLI in a fraction of the usual time. The CLI compiles 15 MB of
// JavaScript at each start, most of it to convert HCL, which few commands do. Here V8's
// compiled code is kept below node_modules, and code that a command does not use is not
// loaded.

const crypto = require('crypto');
const fs = require('fs');
const Module = require('module');
const path = require('path');
const v8 = require('v8');

const { Code, intercept } = require('../hook/code');

const VERSION = '0.20.12'; // of the CLI, for which edit was written

// How the CLI's two bundles require large packages, some of them through a function that
// copies every name. They look up names in them only after they have started.
const LARGE = '(cdktf|@cdktf\\/hcl[\\w-]+)';
const REQUIRE = new RegExp(`\\b(?:(ge|M)\\(require\\("${LARGE}"\\)\\)|require\\("${LARGE}"\\))`, 'g');

// How each bundle asks Terraform's version when it starts. No command uses the answer.
const TERRAFORM = /\b\w+\(\w+,\["version","-json"\],\{\}\)\.then\([^;]*?\)\.catch\([^;]*?\)\)(?=\}\);)/g;

// How a command waits for Terraform's version before it begins, only to warn of an old one.
const WARNING = /let (\w+)=await (\w+)\(\);(if\(\1!==null&&\1&&\w+\.lt\(\1,\w+\)\)\{[^{}]*\$\{\w+\}[^{}]*\$\{\w+\}`;console\.warn\(\w+\)\})/;

// Runs the CLI's main module as Node would. PORTFOLIO_CLI=stock leaves it as it is.
function start(main) {
  // Synthesis needs nothing from the network.
  process.env.CHECKPOINT_DISABLE ??= '1';
  process.env.DISABLE_VERSION_CHECK ??= '1';
  if (process.env.PORTFOLIO_CLI !== 'stock') {
    try {
      prepare(main);
    } catch (error) {
      process.stderr.write(`fastsynth: ${error.message}; starting cdktf without it\n`);
    }
  }
  Module._load(main, null, true);
}

function prepare(main) {
  const { version } = JSON.parse(fs.readFileSync(path.resolve(main, '../../../package.json'), 'utf8'));
  if (version !== VERSION) throw new Error(`got cdktf-cli ${version}, want ${VERSION}`);
  const bundles = path.dirname(fs.realpathSync(main)); // modules are identified by their real paths
  const modules = path.resolve(bundles, '../../..');
  const code = new Code(cacheFile(modules, ''), modules, (filename, source) =>
    filename.startsWith(bundles + path.sep) ? edit(source) : source
  );
  const asm = path.join(modules, 'yoga-layout-prebuilt') + path.sep;
  const interpreted = new Code(cacheFile(modules, asm), modules);
  intercept(filename => {
    if (filename.startsWith(asm)) return interpreted;
    return filename.startsWith(modules + path.sep) ? code : undefined;
  });
  const load = Module._extensions['.js'];
  Module._extensions['.js'] = (module, filename) =>
    filename.startsWith(asm) ? interpretAsm(() => load(module, filename)) : load(module, filename);
  process.on('exit', () => {
    code.save();
    interpretAsm(() => interpreted.save());
  });
}

function edit(source) {
  return source
    .replace(REQUIRE, (_, convert, converted, plain) => `require.later("${converted ?? plain}", ${convert})`)
    .replace(TERRAFORM, promise => `({ then(...both) { return ${promise}.then(...both); } })`)
    .replace(WARNING, '$2().then($1=>{$3})'); // beside the rest of the command
}

let interpreting = false; // asm.js

// Loads or saves code that contains asm.js. V8 compiles asm.js ahead of time, which takes
// longer than it takes interpreted code to lay out what the CLI prints, and is not kept.
// Compiled code is accepted only under the flags under which it was saved.
function interpretAsm(action) {
  if (interpreting) return action(); // a module loads another
  interpreting = true;
  v8.setFlagsFromString('--no-validate-asm');
  try {
    return action();
  } finally {
    v8.setFlagsFromString('--validate-asm');
    interpreting = false;
  }
}

// Returns the file that keeps one part of the code. V8 accepts only compiled code of its own
// version. The files that requires resolve to stay the same until other packages are installed.
function cacheFile(modules, part) {
  const { mtimeMs, size } = fs.statSync(path.join(modules, '.package-lock.json'));
  const key = [part, v8.cachedDataVersionTag(), mtimeMs, size, edit, REQUIRE, TERRAFORM, WARNING].join('\n');
  const folder = path.join(modules, '.cache', 'fastsynth', 'cli');
  fs.mkdirSync(folder, { recursive: true });
  return path.join(folder, `${crypto.createHash('sha256').update(key).digest('hex').slice(0, 32)}.pack`);
}

module.exports = start;
