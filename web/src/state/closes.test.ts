import { describe, expect, it } from 'vitest'
import { withinDay } from './closes.ts'

const at = (clock: string) => Date.parse(`2026-03-05T${clock}Z`) / 1000
const moment = (clock: string, total: string | null) => ({ time: `2026-03-05T${clock}Z`, total })
const seen = (clock: string, total: string) => ({ seconds: at(clock), total })
const close = { date: '2026-03-04', total: '9' }
const all = () => true

describe('the values within a day', () => {
  it('begin at the close before and go on live', () => {
    const past = [moment('00:05:00', '10'), moment('00:10:00', null), moment('00:15:00', '11')]
    const live = [seen('00:14:59', '1'), seen('00:15:00', '2'), seen('00:15:01', '12')]
    expect(withinDay(close, past, live, all)).toEqual([
      { x: at('00:00:00'), total: '9', date: '2026-03-04' },
      { x: at('00:05:00'), total: '10' },
      { x: at('00:10:00'), total: null },
      { x: at('00:15:00'), total: '11' },
      { x: at('00:15:01'), total: '12' },
    ])
  })

  it('are live alone in the first five minutes, without those of the day before', () => {
    const live = [seen('13:59:59', '1'), seen('14:00:03', '10')] // the day begins at 14:00 in UTC
    const current = (moment: Date) => moment.getUTCHours() === 14
    expect(withinDay(close, [], live, current)).toEqual([
      { x: at('14:00:00'), total: '9', date: '2026-03-04' },
      { x: at('14:00:03'), total: '10' },
    ])
    expect(withinDay(close, [], [], all)).toEqual([])
  })

  it('need no close before', () => {
    expect(withinDay(undefined, [moment('00:05:00', '10')], [], all)).toEqual([{ x: at('00:05:00'), total: '10' }])
  })
})
