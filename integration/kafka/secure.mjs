// Listeners with TLS for the broker of these scripts: one with SASL, one that asks for a client certificate. Certificates
// are PEM, which Kafka reads directly (KIP-651); users are made when the data directory is formatted (KIP-900).
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { makeCertificates } from './certificates.mjs'

/** After which the broker closes a connection that has not authenticated again (KIP-368). */
const scramSessionMs = 4_000

/** One user for each SASL mechanism, who may do everything; and one, by PLAIN, who may do what ACLs say. */
export const users = {
  'SCRAM-SHA-512': { username: 'scram-user', password: 'scram-secret' },
  PLAIN: { username: 'plain-user', password: 'plain-secret' },
  limited: { username: 'limited-user', password: 'limited-secret' },
}

/**
 * What `startBroker` needs for TLS listeners at `port` + 2 (SASL_SSL) and `port` + 3 (SSL), and their addresses. Makes
 * certificates in DIR/secure, unless they are there. Throws with a sentence for people when openssl is missing.
 */
export function secured({ dir, port }) {
  const folder = join(resolve(dir), 'secure')
  mkdirSync(folder, { recursive: true })
  if (!existsSync(join(folder, 'client.crt'))) makeCertificates(folder)
  writeFileSync(join(folder, 'users.json'), JSON.stringify(users, undefined, 2))
  // Kafka's PEM keystore is a key followed by its certificate.
  writeFileSync(join(folder, 'server.pem'), ['server.key', 'server.crt'].map((file) => text(folder, file)).join(''))
  const [sasl, ssl] = [port + 2, port + 3]
  const scram = users['SCRAM-SHA-512']
  return {
    addresses: [`localhost:${sasl}`, `localhost:${ssl}`],
    listeners: `,SASL_SSL://127.0.0.1:${sasl},SSL://127.0.0.1:${ssl}`,
    properties: propertiesOf(folder, port),
    formatArguments: ['--add-scram', `SCRAM-SHA-512=[name=${scram.username},password=${scram.password}]`],
  }
}

function propertiesOf(folder, port) {
  const modules = 'org.apache.kafka.common.security'
  const { PLAIN: plain, 'SCRAM-SHA-512': scram, limited } = users
  const mayAll = ['ANONYMOUS', plain.username, scram.username, 'CN=client'].map((name) => `User:${name}`)
  const logins = [plain, limited].map(({ username, password }) => `user_${username}="${password}"`)
  return `advertised.listeners=PLAINTEXT://127.0.0.1:${port},SASL_SSL://localhost:${port + 2},SSL://localhost:${port + 3}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
inter.broker.listener.name=PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location=${join(folder, 'server.pem')}
ssl.truststore.type=PEM
ssl.truststore.location=${join(folder, 'ca.crt')}
listener.name.ssl.ssl.client.auth=required
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=${mayAll.join(';')}
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=${modules}.plain.PlainLoginModule required ${logins.join(' ')};
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=${modules}.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.connections.max.reauth.ms=${scramSessionMs}
`
}

function text(folder, file) {
  return readFileSync(join(folder, file), 'utf8')
}
