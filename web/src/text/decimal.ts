// Decimals are strings, as in the API. Here they are compared and divided exactly.

interface Scaled {
  units: bigint
  scale: number // digits after the point
}

const form = /^-?[0-9]+(\.[0-9]+)?$/

export type Decimal = `${number}`

/** isDecimal reports whether text is a decimal as the API writes it. */
export function isDecimal(text: string): text is Decimal {
  return form.test(text)
}

function parse(text: string): Scaled {
  if (!isDecimal(text)) throw new RangeError(`got ${JSON.stringify(text)}, want a decimal such as -1.5`)
  const point = text.indexOf('.')
  if (point < 0) return { units: BigInt(text), scale: 0 }
  return { units: BigInt(text.slice(0, point) + text.slice(point + 1)), scale: text.length - point - 1 }
}

function write({ units, scale }: Scaled): Decimal {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const part = digits.slice(digits.length - scale).replace(/0+$/, '')
  return ((units < 0n ? '-' : '') + whole + (part && '.' + part)) as Decimal
}

function aligned(a: string, b: string): [bigint, bigint, number] {
  const [x, y] = [parse(a), parse(b)]
  const scale = Math.max(x.scale, y.scale)
  return [x.units * 10n ** BigInt(scale - x.scale), y.units * 10n ** BigInt(scale - y.scale), scale]
}

/** compare returns a number below, equal to or above 0. */
export function compare(a: string, b: string): number {
  const [x, y] = aligned(a, b)
  return x < y ? -1 : x > y ? 1 : 0
}

/** sign returns -1, 0 or 1. */
export function sign(a: string): number {
  const { units } = parse(a)
  return units < 0n ? -1 : units > 0n ? 1 : 0
}

export function add(a: string, b: string): Decimal {
  const [x, y, scale] = aligned(a, b)
  return write({ units: x + y, scale })
}

export function subtract(a: string, b: string): Decimal {
  const [x, y, scale] = aligned(a, b)
  return write({ units: x - y, scale })
}

export function multiply(a: string, b: string): Decimal {
  const [x, y] = [parse(a), parse(b)]
  return write({ units: x.units * y.units, scale: x.scale + y.scale })
}

/** divide returns a/b, truncated after the given number of digits, or null where b is 0. */
export function divide(a: string, b: string, digits: number): Decimal | null {
  const [x, y] = aligned(a, b)
  if (y === 0n) return null
  return write({ units: (x * 10n ** BigInt(digits)) / y, scale: digits })
}

/** sum adds decimals; it is null if one of them is, as in the API. */
export function sum(list: (string | null)[]): Decimal | null {
  let total: Decimal = '0'
  for (const item of list) {
    if (item === null) return null
    total = add(total, item)
  }
  return total
}
