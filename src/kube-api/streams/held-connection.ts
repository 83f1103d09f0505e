/** Often enough that a client that left is noticed within seconds, and well within the 61 s that kubectl waits for a pong. */
const BEAT_MS = 1000;

/**
 * A connection that is not read while the process does not take its input. Nobody would notice that the client has left,
 * as that is reported behind the bytes that wait; nor are its pings answered. So while it is held, `beat` is called every
 * second to send something small, which fails once the client is gone.
 */
export function heldConnection(connection: { pause(): void; resume(): void }, beat: () => void) {
  let timer: NodeJS.Timeout | undefined;
  const release = () => {
    clearInterval(timer);
    connection.resume();
  };
  return {
    hold() {
      connection.pause();
      timer = setInterval(beat, BEAT_MS);
    },
    release,
  };
}
