'use strict';

// The packages that the kernel loads. Their types are read one submodule at a time from a
// pack that is written once. A package is identified by its tarball, so its pack never
// becomes stale.

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const v8 = require('v8');

const { Code, deferReexports, intercept } = require('./code');
const { Pack } = require('./pack');

// Not used at run time, and more than half of the data.
const UNUSED = new Set(['docs', 'locationInModule', 'symbolId']);

class Packages {
  // Without a cache folder assemblies are read completely, and no pack is written.
  constructor(cache, kernelVersion) {
    this.cache = cache;
    this.kernelVersion = kernelVersion;
    this.code = new Map(); // by folder, with a separator at its end
    this.tarballs = new Map(); // by path: its key, digest and pack
  }

  // Runs the kernel as the given module, with fastsynth as a variable in it.
  run(module, filename, source, fastsynth) {
    intercept(file => this.codeOf(file));
    const code = this.addCode(path.dirname(filename), this.kernelVersion);
    code.runSource(module, filename, source, { fastsynth });
  }

  save() {
    this.code.forEach(code => code.save());
  }

  // V8 accepts only code of its own version and options.
  addCode(folder, key, edit) {
    const code = new Code(this.file(`${key}-${v8.cachedDataVersionTag().toString(16)}`), folder, edit);
    this.code.set(folder + path.sep, code);
    return code;
  }

  codeOf(file) {
    for (const [folder, code] of this.code) if (file.startsWith(folder)) return code;
    return undefined;
  }

  // Returns the digest of a tarball, from its pack if there is one: reading a large tarball
  // takes longer than the rest of a synthesis.
  digest(tarball, compute) {
    const known = this.tarball(tarball);
    known.digest ??= known.pack?.meta.digest ?? compute().toString('hex');
    return Buffer.from(known.digest, 'hex');
  }

  // Returns the assembly of the package unpacked in the folder. Its types can be looked
  // up by name, but not listed; load reads the whole assembly.
  assembly(folder, tarball, load) {
    const known = this.tarball(tarball);
    const manifest = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
    const index = path.resolve(folder, manifest.main ?? 'index.js');
    this.addCode(folder, known.key, (file, source) => (file === index ? deferReexports(source) : source));
    const readAll = () => {
      const assembly = load();
      known.pack = this.split(assembly, known);
      return assembly;
    };
    if (!known.pack) {
      const assembly = readAll();
      if (!known.pack) return assembly;
    }
    return { ...known.pack.meta.assembly, types: typesOf(known.pack, () => readAll().types) };
  }

  tarball(file) {
    if (!this.tarballs.has(file)) {
      const key = this.fingerprint(file);
      this.tarballs.set(file, { key, pack: this.cache && Pack.open(this.file(key)) });
    }
    return this.tarballs.get(file);
  }

  // Identifies the tarball's content without reading all of it: by its size and its end,
  // which contains gzip's checksum.
  fingerprint(file) {
    const fd = fs.openSync(file, 'r');
    try {
      const { size } = fs.fstatSync(fd);
      const end = Buffer.alloc(Math.min(size, 65536));
      fs.readSync(fd, end, 0, end.length, size - end.length);
      return crypto.createHash('sha256').update(`${this.kernelVersion} ${size} `).update(end).digest('hex').slice(0, 32);
    } finally {
      fs.closeSync(fd);
    }
  }

  // Writes the pack of an assembly and returns it, or undefined if that is impossible.
  split(assembly, { key, digest }) {
    if (!this.cache || !canSplit(assembly)) return undefined;
    const { types, readme, submodules, ...rest } = assembly;
    const groups = new Map();
    for (const [name, type] of Object.entries(types ?? {})) {
      const group = groupOf(name);
      if (!groups.has(group)) groups.set(group, {});
      groups.get(group)[name] = type;
    }
    const drop = (name, value) => (UNUSED.has(name) ? undefined : value);
    for (const [group, types] of groups) groups.set(group, Buffer.from(JSON.stringify(types, drop)));
    try {
      Pack.write(this.file(key), { digest, assembly: rest }, groups);
    } catch (error) {
      process.stderr.write(`fastsynth: ${error.message}; nothing is cached\n`);
      this.cache = undefined;
    }
    return this.cache && Pack.open(this.file(key));
  }

  file(name) {
    return this.cache && path.join(this.cache, `${name}.pack`);
  }
}

// The kernel converts every type of assemblies older than 1.19 when it loads them, and
// checks the features that newer ones use only when it reads them.
function canSplit({ jsiiVersion, usedFeatures = [] }) {
  const [major, minor] = jsiiVersion.split('.').map(Number);
  return usedFeatures.length === 0 && (major > 1 || (major === 1 && minor >= 19));
}

// The submodule of a type, as in <package>.<submodule>.<type>; empty at the root.
function groupOf(name) {
  const parts = name.split('.');
  return parts.length > 2 ? parts[1] : '';
}

function typesOf(pack, readAll) {
  const groups = new Map();
  let all;
  const get = (_, name) => {
    if (typeof name !== 'string') return undefined;
    if (all) return all[name];
    const group = groupOf(name);
    if (!pack.has(group)) return undefined;
    if (!groups.has(group)) {
      const blob = pack.get(group);
      if (!blob) return (all = readAll())[name];
      groups.set(group, JSON.parse(blob));
    }
    return groups.get(group)[name];
  };
  return new Proxy({}, { get });
}

module.exports = { Packages };
