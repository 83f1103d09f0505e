import { Readable } from 'node:stream';

/** A readable that a connection feeds; several of them share one connection. */
export interface Inlet {
  readonly stream: Readable;
  /** Hands on bytes from the connection; drops them when nobody wants them any more. */
  feed(chunk: Uint8Array): void;
  /** No more will come. */
  end(): void;
}

/** How many bytes one inlet takes before the connection is held: large enough for some packets on the way, small enough to add up. */
const ROOM = 128 * 1024;

/**
 * Back-pressure for streams that come over one connection: `hold` is called when the first of them is full, `release`
 * when none is any more. A stream that was destroyed is never full, so that a reader who left holds up nobody.
 * Returns the function that makes such streams.
 */
export function sharedInlets(hold: () => void, release: () => void): () => Inlet {
  const full = new Set<Readable>();
  const hasRoom = (stream: Readable) => {
    if (full.delete(stream) && full.size === 0) release();
  };
  return () => {
    const stream = new Readable({
      highWaterMark: ROOM,
      read: () => hasRoom(stream),
      destroy: (error, done) => {
        hasRoom(stream);
        done(error);
      },
    });
    let ended = false;
    return {
      stream,
      feed(chunk) {
        if (ended || stream.destroyed || chunk.length === 0 || stream.push(chunk)) return;
        if (full.size === 0) hold();
        full.add(stream);
      },
      end() {
        if (ended || stream.destroyed) return;
        ended = true;
        stream.push(null);
      },
    };
  };
}
