import { WebSocket } from 'ws';

/**
 * Pings the far side of a WebSocket and ends it after a number of periods in which nothing at all came. Periods are
 * counted, not the clock, so that a machine that slept does not lose its connections. While we ourselves do not read,
 * answers cannot come, and nothing is counted.
 */
export function startHeartbeat(webSocket: WebSocket, { periodMs, misses }: { periodMs: number; misses: number }) {
  const state = { dead: false };
  let silent = 0;
  const heard = () => {
    silent = 0;
  };
  for (const event of ['message', 'ping', 'pong']) webSocket.on(event, heard);
  webSocket.once('open', () => {
    const timer = setInterval(() => {
      if (webSocket.readyState !== WebSocket.OPEN) return;
      silent = webSocket.isPaused ? 0 : silent + 1;
      if (silent > misses) {
        state.dead = true;
        webSocket.terminate();
      } else {
        webSocket.ping();
      }
    }, periodMs);
    webSocket.once('close', () => clearInterval(timer));
  });
  return state;
}
