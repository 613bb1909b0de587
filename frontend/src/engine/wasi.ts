// The few calls of WASI preview 1 that a Go module makes: a clock, randomness, standard error.

const success = 0;

/** The imports that the module needs; write takes what it prints, which is only ever a panic. */
export function wasi(
  memory: () => WebAssembly.Memory,
  write: (text: string) => void,
): WebAssembly.ModuleImports {
  const view = () => new DataView(memory().buffer);
  const none = (countAt: number, sizeAt: number) => {
    view().setUint32(countAt, 0, true);
    view().setUint32(sizeAt, 0, true);
    return success;
  };
  return {
    args_sizes_get: none,
    args_get: () => success,
    environ_sizes_get: none,
    environ_get: () => success,
    sched_yield: () => success,
    // Go's runtime waits here when nothing can run; a reactor's exports never do, so nothing is due.
    poll_oneoff: (_subscriptions: number, _events: number, _count: number, readyAt: number) => {
      view().setUint32(readyAt, 0, true);
      return success;
    },
    clock_time_get: (_clock: number, _precision: bigint, timeAt: number) => {
      const milliseconds = performance.timeOrigin + performance.now();
      view().setBigUint64(timeAt, BigInt(Math.round(milliseconds * 1000)) * 1000n, true);
      return success;
    },
    random_get: (at: number, length: number) => {
      const bytes = new Uint8Array(memory().buffer, at, length);
      // getRandomValues fills at most 65,536 bytes a call.
      for (let i = 0; i < length; i += 65536) crypto.getRandomValues(bytes.subarray(i, i + 65536));
      return success;
    },
    fd_write: (_file: number, vectorsAt: number, count: number, writtenAt: number) => {
      let total = 0;
      for (let i = 0; i < count; i++) {
        const at = view().getUint32(vectorsAt + 8 * i, true);
        const length = view().getUint32(vectorsAt + 8 * i + 4, true);
        write(new TextDecoder().decode(new Uint8Array(memory().buffer, at, length)));
        total += length;
      }
      view().setUint32(writtenAt, total, true);
      return success;
    },
    proc_exit: (code: number) => {
      throw new Error(`The inspector has ended with code ${code}.`);
    },
  };
}
