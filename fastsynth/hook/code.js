'use strict';

// The modules of one folder. Their sources and V8's compiled code are kept in a pack,
// with the files that their requires resolve to.

const fs = require('fs');
const Module = require('module');
const path = require('path');
const vm = require('vm');

const { Pack } = require('./pack');

const PARAMETERS = ['exports', 'require', 'module', '__filename', '__dirname'];
const IMPORT = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER; // undefined before Node 20.12
const SOURCE_MAP = '\n//# sourceMappingURL=data:';

class Code {
  // Without a file nothing is kept. edit(filename, source) returns the source to run.
  constructor(file, folder, edit = (_, source) => source) {
    this.file = file;
    this.folder = folder;
    this.edit = edit;
    this.pack = file && Pack.open(file);
    this.resolved = new Map(Object.entries(this.pack?.meta.resolved ?? {}));
    this.fresh = new Map();
  }

  // Returns the file that a request of a module resolves to; find asks Node.
  resolve(request, parent, find) {
    const name = `${parent.path.slice(this.folder.length)} ${request}`;
    const known = this.resolved.get(name);
    if (known) return this.folder + known;
    const filename = find();
    if (filename.startsWith(this.folder + path.sep)) this.resolved.set(name, filename.slice(this.folder.length));
    return filename;
  }

  // Runs a file of the package as the given module. Returns false if it is not a plain
  // script, which Node must run.
  run(module, filename) {
    const { mtimeMs, size } = fs.statSync(filename);
    const name = `${filename.slice(this.folder.length)} ${mtimeMs} ${size}`;
    const script = this.kept(name, filename) ?? this.compile(name, filename, () => this.read(filename));
    if (script) execute(script, module, filename);
    return script !== undefined;
  }

  // Runs the source as the given module, with additional variables in its scope.
  runSource(module, filename, source, variables) {
    const names = Object.keys(variables);
    const script = this.kept('', filename, names) ?? this.compile('', filename, () => source, names);
    execute(script, module, filename, Object.values(variables));
  }

  // Returns the script from the pack, or undefined if it is missing, damaged or rejected
  // by V8.
  kept(name, filename, variables) {
    const blob = this.pack?.get(name);
    if (!blob) return undefined;
    const end = blob.length - 4;
    const start = blob.readUInt32LE(end);
    const source = blob.toString('utf8', start, end);
    const script = toScript(filename, source, variables, blob.subarray(0, start));
    return script.cachedDataRejected ? undefined : script;
  }

  // Compiles what read returns. Returns undefined if that fails.
  compile(name, filename, read, variables) {
    try {
      const source = read();
      const script = toScript(filename, source, variables);
      this.fresh.set(name, { source, script });
      return script;
    } catch {
      return undefined;
    }
  }

  read(filename) {
    const source = fs.readFileSync(filename, 'utf8');
    if (!IMPORT && /\bimport\s*\(/.test(source)) throw new Error('needs a loader');
    const end = source.lastIndexOf(SOURCE_MAP);
    return this.edit(filename, end < 0 ? source : source.slice(0, end + 1));
  }

  // Adds to the pack what this run has compiled. Call it at the end, when V8 has compiled
  // the functions that are really used.
  save() {
    if (!this.file || this.fresh.size === 0) return;
    const blobs = new Map();
    for (const name of this.pack?.index.keys() ?? []) {
      const blob = this.pack.get(name);
      if (blob) blobs.set(name, blob);
    }
    for (const [name, { source, script }] of this.fresh) {
      const code = script.createCachedData();
      const size = Buffer.alloc(4);
      size.writeUInt32LE(code.length);
      blobs.set(name, Buffer.concat([code, Buffer.from(source), size]));
    }
    try {
      Pack.write(this.file, { resolved: Object.fromEntries(this.resolved) }, blobs);
    } catch {} // the pack only saves time
  }
}

function toScript(filename, source, variables = [], cachedData) {
  const head = `(function (${[...PARAMETERS, ...variables]}) { `;
  const options = { filename, columnOffset: -head.length, cachedData, importModuleDynamically: IMPORT };
  return new vm.Script(`${head}${source}\n})`, options);
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
  // For edited sources: returns an object that requires the module when a name is first
  // looked up.
  require.later = (id, convert = exports => exports) => {
    let exports;
    return new Proxy({}, { get: (_, name) => (exports ??= convert(require(id)))[name] });
  };
  return require;
}

// Makes Node load modules through Code. codeOf(filename) returns the Code of a file, or
// undefined if Node should load it as usual.
function intercept(codeOf) {
  const load = Module._extensions['.js'];
  Module._extensions['.js'] = (module, filename) => {
    if (!codeOf(filename)?.run(module, filename)) load(module, filename);
  };
  const resolve = Module._resolveFilename;
  Module._resolveFilename = (request, parent, ...rest) => {
    const find = () => resolve.call(Module, request, parent, ...rest);
    const code = parent?.filename && !rest[1] && codeOf(parent.filename);
    return code ? code.resolve(request, parent, find) : find();
  };
}

const REEXPORT = /^exports\.(\w+) = require\(("\.[^"\n]+")\);$/;
const INDEX = [
  REEXPORT,
  /^(exports\.\w+ = )+void 0;$/,
  /^$|^"use strict";$|^Object\.defineProperty\(exports, "__esModule", \{ value: true \}\);$/,
  /^\/\/|^\/\*\*|^ \*/, // comments
];

// Turns every `exports.a = require("./a")` of a file that contains nothing else into a
// getter. Users of the exports see no difference except in time.
function deferReexports(source) {
  const lines = source.split('\n');
  if (!lines.every(line => INDEX.some(pattern => pattern.test(line)))) return source;
  return lines.map(line => line.replace(REEXPORT, defer)).join('\n');
}

function defer(_, name, request) {
  const set = `Object.defineProperty(exports, "${name}", { configurable: true, enumerable: true, `;
  return `${set}get() { const value = require(${request}); ${set}writable: true, value }); return value; } });`;
}

module.exports = { Code, deferReexports, intercept };
