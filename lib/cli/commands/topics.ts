import type { Define } from '../frame/does.js'
import { does } from '../frame/does.js'
import { CliError } from '../frame/exits.js'
import { takes } from '../frame/options.js'
import { table } from '../frame/table.js'

export const define: Define = (command) => {
  takes(command, 'cluster', 'program').action(
    does(async (session) => {
      const app = await session.app()
      const { admin } = await session.log()
      const names = await admin.list(`${app}-`)
      const infos = await admin.describe(names)
      if (names.length === 0)
        throw new CliError('notFound', `there is no topic of app '${app}' (${app}-…) on this cluster`)
      const topics = [...names].sort().map((name) => ({ topic: name, partitions: infos.get(name)?.partitions }))
      session.out.result({ app, topics }, () =>
        table(
          ['topic', 'partitions'],
          topics.map(({ topic, partitions }) => [topic, partitions]),
        ),
      )
    }),
  )
}
