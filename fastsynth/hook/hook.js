'use strict';

// Preloaded (--require) into the Node process that jsii starts. In any other process
// it does nothing. If the runtime's source is not as expected, it prints one line,
// and the process continues without it.

const fs = require('fs');
const Module = require('module');
const path = require('path');

const kernel = require('./kernel');

const entry = process.argv[1] ?? '';
const program = path.join(path.dirname(entry), '..', 'lib', 'program.js');

if (path.basename(entry) === 'jsii-runtime.js' && fs.existsSync(program)) {
  const cache = process.env.PORTFOLIO_SYNTH_CACHE || undefined;
  restoreEnvironment();
  if (!cache) fs.rmSync(__dirname, { recursive: true }); // it is a temporary folder
  try {
    takeOver(kernel.prepare(program, cache));
  } catch (error) {
    silenceEndOfLife();
    process.stderr.write(`fastsynth: ${error.message}; synthesizing without it\n`);
  }
}

// Children of the runtime get the user's environment.
function restoreEnvironment() {
  const options = process.env.NODE_OPTIONS ?? '';
  const ours = options.lastIndexOf(' --preserve-symlinks --require ');
  if (ours >= 0) process.env.NODE_OPTIONS = options.slice(0, ours);
  delete process.env.PORTFOLIO_SYNTH_CACHE;
}

// Only the runtime's own main prints the banner.
function silenceEndOfLife() {
  const name = 'JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION';
  const major = process.versions.node.split('.')[0];
  process.env[name] = [process.env[name], major].filter(Boolean).join(',');
  process.env.JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION ??= '1';
}

// The runtime's own main would start a second Node process for the kernel and pass
// every message on; run the kernel in this process instead.
function takeOver(run) {
  const load = Module._extensions['.js'];
  Module._extensions['.js'] = (module, filename) => {
    if (filename !== entry) return load(module, filename);
    Module._extensions['.js'] = load;
    return run(module);
  };
}
