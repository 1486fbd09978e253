import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Opens a TCP connection to an address (never a name); leaves no socket behind where the signal aborts first. */
export type Connect = (address: string, port: number, signal: AbortSignal) => Promise<Socket>;

export const connectTcp: Connect = async (address, port, signal) => {
  const socket = connect({ host: address, port });
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
};
