// The times of a session, in little memory: the least and the greatest exactly, others to 1 %.

const least = 0.01; // milliseconds; everything below counts as this
const step = Math.log(1.01);
const buckets = Math.ceil(Math.log(1e7) / step); // up to 100 s

export class Times {
  private readonly counts = new Uint32Array(buckets);
  count = 0;
  min = Number.POSITIVE_INFINITY;
  max = 0;

  add(ms: number): void {
    this.count++;
    this.min = Math.min(this.min, ms);
    this.max = Math.max(this.max, ms);
    const i = Math.min(Math.floor(Math.log(Math.max(ms, least) / least) / step), buckets - 1);
    this.counts[i] = (this.counts[i] ?? 0) + 1;
  }

  /** The time that this part of all times do not exceed; NaN if there is none. */
  quantile(part: number): number {
    if (this.count === 0) return Number.NaN;
    const rank = Math.max(1, Math.ceil(part * this.count));
    let seen = 0;
    for (let i = 0; i < buckets; i++) {
      seen += this.counts[i] ?? 0;
      if (seen < rank) continue;
      const middle = least * Math.exp((i + 0.5) * step);
      return Math.min(Math.max(middle, this.min), this.max);
    }
    return this.max;
  }

  clear(): void {
    this.counts.fill(0);
    this.count = 0;
    this.min = Number.POSITIVE_INFINITY;
    this.max = 0;
  }
}
