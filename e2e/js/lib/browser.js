// Chromium, and a page in it with pusher-js and laravel-echo as a Laravel app's bundle has them.

import { access, readFile } from 'node:fs/promises'
import { chromium } from 'playwright-core'
import { app, backend, host, path, port, secure } from './reverbd.js'
import { atEnd, waitFor } from './scenario.js'

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

// launch starts Chromium with an empty profile of its own, which is removed in the end. More options are Playwright's.
export async function launch(options = {}) {
  await access(executablePath).catch(() => {
    throw new Error(`there is no ${executablePath}: make test installs it (or set CHROMIUM)`)
  })
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
    ...options,
  })
  atEnd(() => browser.close())
  return browser
}

// site serves the page, and more routes. Whoever opens it is the user in its cookie "user".
export async function site(routes = {}) {
  const module = (name) => readFile(new URL(`../node_modules/${name}`, import.meta.url))
  return backend({
    '/': ['text/html; charset=utf-8', page],
    '/pusher.js': ['text/javascript', await module('pusher-js/dist/web/pusher.min.js')],
    '/echo.js': ['text/javascript', await module('laravel-echo/dist/echo.iife.js')],
    ...routes,
  })
}

const page = `<!doctype html>
<title>A page with Echo</title>
<script src="/pusher.js"></script>
<script src="/echo.js"></script>
<script>
  window.seen = []
  window.log = (...entry) => window.seen.push(entry)
  window.connect = () => {
    window.app = new Echo.default({
      broadcaster: 'reverb', key: ${JSON.stringify(app.key)},
      wsHost: ${JSON.stringify(host)}, wsPort: ${port}, wssPort: ${port}, wsPath: ${JSON.stringify(path)},
      forceTLS: ${secure}, enabledTransports: ['ws', 'wss'],
    })
    const { connection } = app.connector.pusher
    connection.bind('state_change', ({ current }) => log('state', current))
    connection.bind('error', (e) => log('error', (e.error ?? e).data?.code ?? e.type))
  }
  window.join = (name) => window.room = app.join(name)
    .here((users) => log('here', users))
    .joining((user) => log('joining', user))
    .leaving((user) => log('leaving', user))
    .listen('News', (e) => log('news', e))
    .listenForWhisper('wave', (e) => log('wave', e))
</script>
`

// show shows the page in a new tab of the user.
export async function show(browser, url, user) {
  const context = await browser.newContext()
  if (user) await context.addCookies([{ name: 'user', value: user, url }])
  const tab = await context.newPage()
  tab.on('pageerror', (err) => console.error(`the page of user ${user}:`, err))
  await tab.goto(url)
  return tab
}

// open is show, and connects.
export async function open(browser, url, user) {
  const tab = await show(browser, url, user)
  await tab.evaluate(() => connect())
  return tab
}

// take waits for the page's next entry that is not about the connection, or of the kind that is asked for.
export async function take(tab, kind) {
  const handle = await waitFor(kind ?? 'an entry of the page', tab.waitForFunction((kind) => {
    const wanted = (entry) => kind ? entry[0] === kind : !['state', 'error'].includes(entry[0])
    const i = window.seen.findIndex(wanted)
    return i < 0 ? null : window.seen.splice(i, 1)[0]
  }, kind, { timeout: 0 })) // the scenario's own timeout says what was missing
  return handle.jsonValue()
}
