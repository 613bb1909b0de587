// The few calls of WASI that a Go module makes: a clock, randomness, standard error.

const errnoSuccess = 0;
const errnoBadFile = 8;

/** WASI of preview 1, as far as the inspector needs it; write takes what it prints when it panics. */
export function wasi(memory: () => WebAssembly.Memory, write: (text: string) => void): WebAssembly.ModuleImports {
  const view = () => new DataView(memory().buffer);
  const nothingThere = (count: number, size: number) => {
    view().setUint32(count, 0, true);
    view().setUint32(size, 0, true);
    return errnoSuccess;
  };
  return {
    args_sizes_get: nothingThere,
    args_get: () => errnoSuccess,
    environ_sizes_get: nothingThere,
    environ_get: () => errnoSuccess,
    fd_prestat_get: () => errnoBadFile,
    fd_prestat_dir_name: () => errnoBadFile,
    fd_fdstat_get: () => errnoBadFile,
    fd_fdstat_set_flags: () => errnoBadFile,
    sched_yield: () => errnoSuccess,
    poll_oneoff: (_in: number, _out: number, _count: number, events: number) => {
      view().setUint32(events, 0, true);
      return errnoSuccess;
    },
    clock_time_get: (_clock: number, _precision: bigint, time: number) => {
      view().setBigUint64(time, BigInt(Math.round(performance.now() * 1e6)), true);
      return errnoSuccess;
    },
    random_get: (pointer: number, length: number) => {
      crypto.getRandomValues(new Uint8Array(memory().buffer, pointer, length));
      return errnoSuccess;
    },
    fd_write: (_file: number, vectors: number, count: number, written: number) => {
      let total = 0;
      for (let i = 0; i < count; i++) {
        const pointer = view().getUint32(vectors + 8 * i, true);
        const length = view().getUint32(vectors + 8 * i + 4, true);
        write(new TextDecoder().decode(new Uint8Array(memory().buffer, pointer, length)));
        total += length;
      }
      view().setUint32(written, total, true);
      return errnoSuccess;
    },
    proc_exit: (code: number) => {
      throw new Error(`the inspector module has exited with ${code}`);
    },
  };
}
