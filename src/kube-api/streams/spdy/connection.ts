import { type Duplex, type Readable, Writable } from 'node:stream';
import { type Inlet, sharedInlets } from '../../../kube/inlets.ts';
import { heldConnection } from '../held-connection.ts';
import { type Frame, frameReader, frameWriter, GoAwayStatus, ResetStatus } from './frames.ts';
import { type Headers, SpdyError } from './headers.ts';

/** A stream that the client opened. Each way ends by itself. */
export interface SpdyStream {
  readonly headers: Headers;
  readonly incoming: Readable;
  readonly outgoing: Writable;
}

export interface SpdyConnection {
  /** Ends the connection once everything that was sent has left, and drops what still comes. */
  close(): void;
  /** Settles when the connection is closed, by whomever, or the client has broken the protocol; never rejects. */
  readonly gone: Promise<void>;
}

/** How long after its end a connection stays for a client that goes on sending: closing at once would reset it under our last bytes. */
const LINGER_MS = 60_000;
/** How much may wait for a client that does not read before its pings are passed over. */
const MOST_UNSENT = 1024 * 1024;

/**
 * The server's side of SPDY/3.1 as moby/spdystream speaks it: no flow control of its own (WINDOW_UPDATE and SETTINGS are
 * passed over by it, and so here), the TCP connection alone holds back whoever is too fast. `accept` is asked for each
 * new stream; false refuses it. A breach of the protocol ends the connection with a GOAWAY.
 */
export function serveSpdyConnection(
  socket: Duplex,
  head: Buffer,
  accept: (stream: SpdyStream) => boolean,
): SpdyConnection {
  const readFrames = frameReader();
  const writeFrame = frameWriter();
  const streams = new Map<number, { inlet: Inlet; outgoing: Writable }>();
  let lastStreamId = 0;
  let lastPing = 0;
  let closing = false;

  const send = (frame: Frame, done?: (error?: Error | null) => void) => {
    // After our end nothing may be written: it would be an error that drops what is still on its way.
    if (closing) return done?.();
    const parts = writeFrame(frame);
    for (const [index, part] of parts.entries()) socket.write(part, index === parts.length - 1 ? done : undefined);
  };
  // Pings of a server have even numbers.
  const ping = () => {
    lastPing = (lastPing + 2) % 0x7ffffffe;
    if (!socket.writableNeedDrain) send({ type: 'ping', id: lastPing || 2 });
  };
  const { hold, release } = heldConnection(socket, ping);
  const newInlet = sharedInlets(hold, release);

  const open = (frame: Extract<Frame, { type: 'syn-stream' }>) => {
    const { streamId } = frame;
    if (streamId % 2 === 0 || streamId <= lastStreamId) {
      send({ type: 'rst-stream', streamId, status: ResetStatus.protocolError });
      return;
    }
    lastStreamId = streamId;
    const inlet = newInlet();
    const outgoing = new Writable({
      write: (data: Buffer, _encoding, done) => send({ type: 'data', streamId, data, fin: false }, done),
      final: (done) => send({ type: 'data', streamId, data: Buffer.alloc(0), fin: true }, done),
    });
    // A write that fails means that the connection broke, which `gone` tells.
    outgoing.on('error', () => undefined);
    if (!accept({ headers: frame.headers, incoming: inlet.stream, outgoing })) {
      send({ type: 'rst-stream', streamId, status: ResetStatus.refusedStream });
      return;
    }
    streams.set(streamId, { inlet, outgoing });
    send({ type: 'syn-reply', streamId, headers: new Map(), fin: false });
    if (frame.fin) inlet.end();
  };

  const handle = (frame: Frame) => {
    switch (frame.type) {
      case 'syn-stream':
        return open(frame);
      case 'data': {
        const inlet = streams.get(frame.streamId)?.inlet;
        inlet?.feed(frame.data);
        if (frame.fin) inlet?.end();
        return;
      }
      case 'rst-stream': {
        streams.get(frame.streamId)?.inlet.end();
        streams.get(frame.streamId)?.outgoing.destroy();
        return;
      }
      case 'ping':
        // An even number is the answer to one of ours. Who asks and never reads is not answered without end.
        if (frame.id % 2 === 1 && socket.writableLength < MOST_UNSENT) send(frame);
        return;
      case 'goaway':
        socket.destroy();
        return;
    }
  };

  const receive = (chunk: Buffer) => {
    try {
      for (const frame of readFrames(chunk)) {
        if (closing || socket.destroyed) return;
        handle(frame);
      }
    } catch (error) {
      if (!(error instanceof SpdyError)) throw error;
      close(GoAwayStatus.protocolError);
    }
  };

  const close = (status: number) => {
    if (closing || socket.destroyed) return;
    send({ type: 'goaway', lastStreamId, status });
    closing = true;
    for (const { inlet } of streams.values()) inlet.stream.destroy();
    socket.resume();
    const linger = () => {
      const timer = setTimeout(() => socket.destroy(), LINGER_MS);
      socket.once('close', () => clearTimeout(timer));
    };
    if (status === GoAwayStatus.ok) {
      socket.end(linger);
    } else {
      socket.end(() => socket.destroy());
      linger();
      drop();
    }
  };

  let settleGone: () => void;
  const gone = new Promise<void>((settle) => {
    settleGone = settle;
  });
  const drop = () => {
    for (const { inlet, outgoing } of streams.values()) {
      inlet.stream.destroy();
      outgoing.destroy();
    }
    settleGone();
  };
  socket.once('close', drop);
  // The socket of an HTTP server stays half open when its client has left.
  socket.once('end', () => {
    if (!closing) socket.destroy();
  });
  if (head.length > 0) socket.unshift(head);
  socket.on('data', receive);
  return { close: () => close(GoAwayStatus.ok), gone };
}
