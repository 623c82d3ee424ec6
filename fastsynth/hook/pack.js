'use strict';

// A pack is an immutable file of named blobs. It is written under a temporary name and
// renamed, so it is either complete or missing. Everything read from it is checked
// against its hash; a damaged pack counts as missing.
//
//   size of the header, 4 bytes | hash of the header, 16 bytes | header | blobs
//
// The header is JSON: {file, meta, index: {name: [offset, length, hash]}}; file is
// the name under which the pack was written; under another name it is not used.

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

const HASH = 16;
const DAY = 24 * 60 * 60 * 1000;
const KEEP = 30 * DAY; // as jsii keeps its packages

const digest = data => crypto.createHash('sha256').update(data).digest().subarray(0, HASH);

class Pack {
  // Returns undefined if there is no valid pack at the path.
  static open(file) {
    try {
      const fd = fs.openSync(file, 'r');
      const prefix = read(fd, 0, 4 + HASH);
      const header = read(fd, prefix.length, prefix.readUInt32LE());
      if (!digest(header).equals(prefix.subarray(4))) throw new Error('damaged');
      const contents = JSON.parse(header);
      if (contents.file !== path.basename(file)) throw new Error('another pack');
      markUsed(file, fd);
      return new Pack(file, fd, prefix.length + header.length, contents);
    } catch {
      return undefined;
    }
  }

  // Writes meta and blobs, a Map from name to Buffer; throws on failure.
  static write(file, meta, blobs) {
    const index = {};
    let offset = 0;
    for (const [name, blob] of blobs) {
      index[name] = [offset, blob.length, digest(blob).toString('hex')];
      offset += blob.length;
    }
    const header = Buffer.from(JSON.stringify({ file: path.basename(file), meta, index }));
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32LE(header.length);
    const temporary = `${file}.${process.pid}`;
    try {
      fs.writeFileSync(temporary, Buffer.concat([prefix, digest(header), header, ...blobs.values()]));
      fs.renameSync(temporary, file);
    } catch (error) {
      fs.rmSync(temporary, { force: true });
      throw error;
    }
    prune(path.dirname(path.dirname(file)));
  }

  constructor(file, fd, start, { meta, index }) {
    this.file = file;
    this.fd = fd;
    this.start = start;
    this.meta = meta;
    this.index = new Map(Object.entries(index));
  }

  has(name) {
    return this.index.has(name);
  }

  // Returns the blob, or undefined if there is none. If it is damaged, the file is
  // removed, so that the next run writes it again.
  get(name) {
    if (!this.has(name)) return undefined;
    const [offset, length, hash] = this.index.get(name);
    try {
      const blob = read(this.fd, this.start + offset, length);
      if (digest(blob).toString('hex') === hash) return blob;
    } catch {}
    try {
      fs.rmSync(this.file, { force: true });
    } catch {}
    return undefined;
  }
}

function read(fd, position, length) {
  const buffer = Buffer.allocUnsafe(length);
  if (fs.readSync(fd, buffer, 0, length, position) !== length) throw new Error('truncated');
  return buffer;
}

function markUsed(file, fd) {
  if (Date.now() - fs.fstatSync(fd).mtimeMs < DAY) return;
  try {
    const now = new Date();
    fs.utimesSync(file, now, now);
  } catch {}
}

// Removes packs that have not been used for a while, of every version of this hook.
function prune(root) {
  try {
    for (const name of fs.readdirSync(root, { recursive: true })) {
      const file = path.join(root, name);
      if (name.includes('.pack') && Date.now() - fs.statSync(file).mtimeMs > KEEP) fs.rmSync(file);
    }
  } catch {} // another run got there first
}

module.exports = { Pack };
