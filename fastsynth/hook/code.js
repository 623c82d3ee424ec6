'use strict';

// The modules of one package: V8's compiled code of each is kept in a pack, and
// the package's index requires its submodules when they are first asked for.

const fs = require('fs');
const Module = require('module');
const path = require('path');
const vm = require('vm');

const { Pack } = require('./pack');

const PARAMETERS = ['exports', 'require', 'module', '__filename', '__dirname'];
const IMPORT = ['import(', 'import ('];
const SOURCE_MAP = '\n//# sourceMappingURL=data:';

class Code {
  // Without a file nothing is kept; main is the file whose re-exports wait.
  constructor(file, folder, main) {
    this.file = file;
    this.folder = folder;
    this.main = main;
    this.pack = file && Pack.open(file);
    this.fresh = new Map();
  }

  // Runs a file of the package as the given module. Returns false where Node
  // must do it: for anything but a plain script.
  run(module, filename) {
    const { mtimeMs, size } = fs.statSync(filename);
    let source = fs.readFileSync(filename, 'utf8');
    if (IMPORT.some(call => source.includes(call))) return false;
    if (source.includes(SOURCE_MAP)) source = source.slice(0, source.lastIndexOf(SOURCE_MAP) + 1);
    if (filename === this.main) source = deferReexports(source);
    let script;
    try {
      script = this.compile(`${path.relative(this.folder, filename)} ${mtimeMs} ${size}`, filename, source);
    } catch {
      return false;
    }
    execute(script, module, filename);
    return true;
  }

  // Runs the source as the given module, with more variables than Node gives it.
  runSource(module, filename, source, variables) {
    const script = this.compile(path.basename(filename), filename, source, Object.keys(variables));
    execute(script, module, filename, Object.values(variables));
  }

  compile(name, filename, source, variables = []) {
    const head = `(function (${[...PARAMETERS, ...variables]}) { `;
    const cachedData = this.pack?.get(name);
    const options = { filename, columnOffset: -head.length, cachedData };
    const script = new vm.Script(`${head}${source}\n})`, options);
    if (!cachedData || script.cachedDataRejected) this.fresh.set(name, script);
    return script;
  }

  // Keeps the code of what this run was the first to compile. To be called at
  // its end: by then V8 has compiled the functions that are really used.
  save() {
    if (!this.file || this.fresh.size === 0) return;
    const blobs = new Map();
    for (const name of this.pack?.index.keys() ?? []) {
      const blob = this.pack.get(name);
      if (blob) blobs.set(name, blob);
    }
    for (const [name, script] of this.fresh) blobs.set(name, script.createCachedData());
    try {
      Pack.write(this.file, {}, blobs);
    } catch {} // it only saves time
  }
}

function execute(script, module, filename, variables = []) {
  const { exports } = module;
  const values = [exports, requireFrom(module), module, filename, path.dirname(filename), ...variables];
  script.runInThisContext().apply(exports, values);
}

function requireFrom(module) {
  const require = id => module.require(id);
  require.resolve = (request, options) => Module._resolveFilename(request, module, false, options);
  require.main = process.mainModule;
  require.extensions = Module._extensions;
  require.cache = Module._cache;
  return require;
}

const REEXPORT = /^exports\.(\w+) = require\(("\.[^"\n]+")\);$/;
const OTHER = /^(|"use strict";|\/\/.*|\/?\*.*| \*.*|Object\.defineProperty\(exports, "__esModule", \{ value: true \}\);|(exports\.\w+ = )+void 0;)$/;

// Turns `exports.a = require("./a")` into getters, where a file consists of
// nothing else. Then nobody can tell, but for the time it takes.
function deferReexports(source) {
  const lines = source.split('\n');
  if (!lines.every(line => OTHER.test(line) || REEXPORT.test(line))) return source;
  return lines.map(line => line.replace(REEXPORT, defer)).join('\n');
}

function defer(_, name, request) {
  const set = `Object.defineProperty(exports, "${name}", { configurable: true, enumerable: true, `;
  return `${set}get() { const value = require(${request}); ${set}writable: true, value }); return value; } });`;
}

module.exports = { Code };
