/** A function that computes and nothing else: no allocation, hardly any memory. Counts the primes below a number. */
export function countPrimes(below: number): number {
  let primes = 0
  for (let candidate = 2; candidate < below; candidate++) {
    let divisor = 2
    while (divisor * divisor <= candidate && candidate % divisor !== 0) divisor++
    if (divisor * divisor > candidate) primes++
  }
  return primes
}
