import pg from 'pg'
import { SinkRefused, type SinkBatch, type SinkConnector, type SinkRecord } from 'millrace/connect'
import type { Payment } from './payments.js'

/** Writes payments into a table, and in the same transaction where it has come to: so each is there once, whatever dies when. */
export function postgresSink(url: string): SinkConnector<Payment> {
  return {
    kind: 'postgres',
    async open({ sink, topic, partition }) {
      const db = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 10_000 })
      // A connection that is lost is heard of by the next query.
      db.on('error', () => undefined)
      await db.connect()
      const of = [sink, topic, partition]
      await db.query('insert into sink_offsets values ($1, $2, $3, 0) on conflict do nothing', of)
      const where = 'where sink = $1 and topic = $2 and partition = $3'
      const { rows } = await db.query<{ next: string }>(`select next from sink_offsets ${where}`, of)
      let next = Number(rows[0]?.next)
      return {
        offset: next,
        async write({ records, nextOffset }: SinkBatch<Payment>) {
          await db.query('begin')
          try {
            await insert(db, records)
            // Who has lost the partition and does not know it yet writes nothing.
            const moved = await db.query(`update sink_offsets set next = $5 ${where} and next = $4`, [
              ...of,
              next,
              nextOffset,
            ])
            if (moved.rowCount !== 1) throw new Error(`${topic}[${partition}] is written by another process`)
            await db.query('commit')
            next = nextOffset
          } catch (error) {
            await db.query('rollback')
            throw isOfRow(error) ? await refused(db, records) : error
          }
        },
        close: () => db.end(),
      }
    },
  }
}

async function insert(db: pg.Client, records: readonly SinkRecord<Payment>[]): Promise<void> {
  const values = records.flatMap(({ value }) => (value === null ? [] : [value]))
  await db.query('insert into payments select * from unnest($1::text[], $2::text[], $3::bigint[])', [
    values.map(({ id }) => id),
    values.map(({ account }) => account),
    values.map(({ cents }) => cents),
  ])
}

/** Classes 22 and 23: the data, or a constraint. Anything else may be over when it is tried again. */
const isOfRow = (error: unknown): error is pg.DatabaseError => /^2[23]/.test(String((error as pg.DatabaseError).code))

/** Which of the records it is, found by writing each alone. */
async function refused(db: pg.Client, records: readonly SinkRecord<Payment>[]): Promise<SinkRefused> {
  const why = new Map<number, string>()
  await db.query('begin')
  for (const record of records) {
    await db.query('savepoint one')
    try {
      await insert(db, [record])
    } catch (error) {
      if (!isOfRow(error)) throw error
      why.set(record.offset, error.message)
      await db.query('rollback to savepoint one')
    }
  }
  await db.query('rollback')
  return new SinkRefused(why)
}
