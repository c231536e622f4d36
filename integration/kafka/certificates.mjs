// Certificates for tests, by openssl: a CA, and one it signed for a server and one for a client.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
const days = ['-days', '30']

/** Writes ca, server and client as `.crt` and `.key` to a folder. Throws with a sentence for people. */
export function makeCertificates(folder) {
  writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
  openssl(folder, ['req', '-x509', ...newKey, ...days, '-subj', '/CN=ca', '-keyout', 'ca.key', '-out', 'ca.crt'])
  const authority = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names']
  for (const name of ['server', 'client']) {
    openssl(folder, ['req', ...newKey, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`])
    openssl(folder, ['x509', '-req', '-in', `${name}.csr`, ...authority, ...days, '-out', `${name}.crt`])
  }
}

function openssl(cwd, args) {
  const { error, status, stderr } = spawnSync('openssl', args, { cwd, encoding: 'utf8' })
  if (error !== undefined) throw new Error('openssl was not found: install it and put it on the PATH.')
  if (status !== 0) throw new Error(`openssl ${args[0]} failed:\n${stderr}`)
}
