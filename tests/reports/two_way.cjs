// A service's side of the cache, with the client library that services use: writes what it was given, reads what we wrote.
const Redis = require('ioredis')
const read = () => new Promise((resolve) => {
  let text = ''
  process.stdin.on('data', (part) => { text += part })
  process.stdin.on('end', () => resolve(JSON.parse(text)))
})
async function main() {
  const { url, write, keys } = await read()
  const redis = new Redis(url)
  for (const { input, feature, prefix, value, expiresAt } of write) {
    await redis.setex(prefix + JSON.stringify({ feature, input }), 600, JSON.stringify({ feature, value, expiresAt }))
  }
  const found = {}
  for (const key of keys) {
    const raw = await redis.get(key)
    const { feature, value, expiresAt } = JSON.parse(raw)
    found[key] = { same: JSON.stringify({ feature, value, expiresAt }) === raw, fresh: expiresAt > Date.now(), ttl: await redis.ttl(key) }
  }
  console.log(JSON.stringify(found))
  redis.disconnect()
}
main()
