import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What README.md says of the platforms that LevelDB comes built for, and the files that make it true. */
const built: Readonly<Record<string, readonly string[]>> = {
  'Linux x64 (glibc, musl)': ['linux-x64/classic-level.node', 'linux-x64/classic-level.musl.node'],
  'and arm64, armv7, armv6 (glibc only)': [
    'linux-arm64/classic-level.armv8.node',
    'linux-arm/classic-level.armv7.node',
    'linux-arm/classic-level.armv6.node',
  ],
  'macOS x64 and arm64': ['darwin-x64+arm64/classic-level.node'],
  'Windows x64 and ia32': ['win32-x64/classic-level.node', 'win32-ia32/classic-level.node'],
  'Android arm': ['android-arm/classic-level.armv7.node', 'android-arm64/classic-level.armv8.node'],
}

it('README.md names the platforms that LevelDB comes built for', () => {
  const prebuilds = join(dirname(require.resolve('classic-level/package.json')), 'prebuilds')
  const files = readdirSync(prebuilds).flatMap((platform) =>
    readdirSync(join(prebuilds, platform)).map((file) => `${platform}/${file}`),
  )
  expect(files.sort()).toEqual(Object.values(built).flat().sort())
  expect(readFileSync('README.md', 'utf8')).toContain(Object.keys(built).join(', ').replace(', and', ' and'))
})
