#!/usr/bin/env node
// Tells the time to whoever connects to a port of the loopback address.
//
//   clock.js --port 47122
//
// Node overwrites nothing here. A program that sets process.title loses its arguments from /proc.

'use strict';

const net = require('node:net');

const [flag, port] = process.argv.slice(2);
if (flag !== '--port' || !/^[0-9]{1,5}$/.test(port ?? '')) {
  console.error('usage: clock.js --port PORT');
  process.exit(64);
}

const server = net.createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.end(`${new Date().toISOString()}\n`);
});
server.on('error', (why) => {
  console.error(`clock: ${why.message}`);
  process.exit(1);
});
server.listen(Number(port), '127.0.0.1', () => console.log(`clock: pid ${process.pid} on 127.0.0.1:${port}`));

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => server.close(() => process.exit(0)));
}
