'use strict';

// Runs the jsii kernel in this process with a few expressions of its source replaced. No
// other file depends on the runtime's source.

const { spawn } = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const { Writable } = require('stream');
const v8 = require('v8');

const { Packages } = require('./packages');

const LOAD = 'spec.loadAssemblyFromPath(packageDir, this.validateAssemblies, exports.ASSEMBLY_SUPPORTED_FEATURES)';
const DIGEST = '(0, digest_file_1.digestFile)(path, ...comments)';
const RETRY = 'if (e.code !== "EAGAIN") {';
const TYPED = 'assert(typeRef != null, `Kernel error: expected type information, got ${(0, util_1.inspect)(typeRef)}`)';

// In the order in which they appear in the source, where each appears once.
const edits = [
  [LOAD, `(this.validateAssemblies ? ${LOAD} : fastsynth.packages.assembly(packageDir, req.tarball, () => ${LOAD}))`],
  // Without this the message is formatted for every value, although hardly any fails.
  [TYPED, `typeRef != null || ${TYPED}`],
  [DIGEST, `fastsynth.packages.digest(path, () => ${DIGEST})`],
  // The app has failed and no longer reads; it reports the error itself.
  [RETRY, `if (e.code === "EPIPE") process.exit();${RETRY}`],
  // The second process would have its streams on descriptor 3.
  ['readFD: 3,', 'readFD: fastsynth.commands,'],
  ['writeFD: 3', 'writeFD: fastsynth.responses'],
];

// Returns a function that runs the kernel as the given module. Throws if the edits do
// not fit its source.
function prepare(program, cache) {
  const original = fs.readFileSync(program);
  const source = edit(original);
  const version = crypto.createHash('sha256').update(original).digest('hex');
  const packages = new Packages(cache, version);
  const [commands, responses] = moveStandardStreams();
  return module => {
    // The kernel reads this flag to link packages rather than copy them.
    process.execArgv.push('--preserve-symlinks');
    // Uses a quarter less memory and no more time: a synthesis keeps what it allocates.
    v8.setFlagsFromString('--semi-space-growth-factor=1');
    fs.closeSync(1);
    fs.openSync('/dev/fd/2', 'w'); // gets the lowest free number, which is 1
    wrapStandardStreams();
    process.on('exit', () => {
      packages.save();
      holdStandardError();
    });
    packages.run(module, program, source, { commands, responses, packages });
  };
}

function edit(source) {
  const parts = [];
  let end = 0;
  for (const [original, replacement] of edits) {
    const start = source.indexOf(original);
    if (start < end || source.indexOf(original, start + 1) >= 0) {
      throw new Error(`the jsii runtime is not shaped as expected at ${original}`);
    }
    parts.push(source.subarray(end, start), Buffer.from(replacement));
    end = start + Buffer.byteLength(original);
  }
  return Buffer.concat([...parts, source.subarray(end)]).toString();
}

// Commands are read from standard input and responses written to standard output.
// Both get descriptors of their own, so that what other code or children write to
// descriptor 1 does not mix with the responses but goes to standard error.
function moveStandardStreams() {
  return [fs.openSync('/dev/fd/0', 'r'), fs.openSync('/dev/fd/1', 'w')];
}

// Printed text goes to standard error, in jsii's envelope.
function wrapStandardStreams() {
  for (const [fd, name] of [[1, 'stdout'], [2, 'stderr']]) {
    const stream = new Writable({
      write(chunk, _encoding, done) {
        writeAll(2, `${JSON.stringify({ [name]: chunk.toString('base64') })}\n`);
        done();
      },
    });
    stream.fd = fd;
    Object.defineProperty(process, name, { configurable: true, enumerable: true, value: stream });
  }
}

function writeAll(fd, text) {
  for (let rest = Buffer.from(text); rest.length > 0; ) {
    try {
      rest = rest.subarray(fs.writeSync(fd, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

// When it closes, jsii-runtime-go waits for its child in two goroutines and prints an
// error if the wrong one is first. The second one starts at the end of our standard
// error, so keep that open until the first is done.
function holdStandardError() {
  const wait = 'i=0; while [ $i -lt 200 ] && kill -0 "$0" 2>&-; do sleep 0.001; i=$((i+1)); done';
  spawn('/bin/sh', ['-c', wait, String(process.pid)], { stdio: ['ignore', 'ignore', 2] });
}

module.exports = { prepare };
