declare module 'jstat' {
  interface Distribution<P extends number[]> {
    pdf(x: number, ...parameters: P): number;
    cdf(x: number, ...parameters: P): number;
    inv(p: number, ...parameters: P): number;
  }
  interface Discrete<P extends number[]> {
    pdf(k: number, ...parameters: P): number;
    cdf(k: number, ...parameters: P): number;
  }
  const jstat: {
    readonly chisquare: Distribution<[degrees: number]>;
    readonly beta: Distribution<[alpha: number, beta: number]>;
    readonly binomial: Discrete<[n: number, p: number]>;
    readonly poisson: Discrete<[mean: number]>;
  };
  export default jstat;
}
