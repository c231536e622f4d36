import { bytesOf, shownValue } from './scalars.js'
import { decimalType, invalid, type Form } from './connect-schema.js'

/** `12.34` as text, or as a bigint in units of the last place: 1234n with a scale of 2. */
export function decimals(scale: number, precision: number, as: 'text' | 'bigint'): Form {
  const limit = 10n ** BigInt(precision)
  const demandFits = (unscaled: bigint): bigint => {
    if (unscaled < limit && unscaled > -limit) return unscaled
    throw invalid(`a decimal of more than ${precision} digits`)
  }
  return {
    type: decimalType(scale, precision),
    write(value) {
      const unscaled = as === 'bigint' ? demandBigint(value) : unscaledOf(value, scale, precision)
      return `"${twosComplement(demandFits(unscaled)).toString('base64')}"`
    },
    read(raw) {
      if (typeof raw === 'number')
        throw invalid(`${raw} is a decimal written as a number; set decimal.format=BASE64 where it is written`)
      const bytes = bytesOf(raw)
      if (bytes.length === 0 || bytes.length > precision) throw invalid(`a decimal of ${bytes.length} bytes`)
      const unscaled = demandFits(BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`)))
      return as === 'bigint' ? unscaled : textOf(unscaled, scale)
    },
  }
}

function demandBigint(value: unknown): bigint {
  if (typeof value !== 'bigint') throw invalid(`${shownValue(value)} is no bigint`)
  return value
}

function unscaledOf(value: unknown, scale: number, precision: number): bigint {
  // Looked at before it is taken apart: a number of a million digits takes minutes.
  const parts =
    typeof value === 'string' && value.length <= 2 * precision + 4 ? /^([+-]?)(\d+)(?:\.(\d+?)0*)?$/.exec(value) : null
  if (parts === null) throw invalid(`${shownValue(value)} is no decimal such as 12.34`)
  const [, sign, whole = '', fraction = ''] = parts
  const digits = fraction === '0' ? '' : fraction
  if (digits.length > scale) throw invalid(`${shownValue(value)} has more than ${scale} digits behind the point`)
  const unscaled = BigInt(whole + digits.padEnd(scale, '0'))
  return sign === '-' ? -unscaled : unscaled
}

/** The fewest bytes, as `BigInteger.toByteArray` gives them. */
function twosComplement(value: bigint): Buffer {
  let length = 1
  while (BigInt.asIntN(length * 8, value) !== value) length++
  return Buffer.from(
    BigInt.asUintN(length * 8, value)
      .toString(16)
      .padStart(length * 2, '0'),
    'hex',
  )
}

function textOf(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}${scale === 0 ? '' : `.${digits.slice(point)}`}`
}
