// What every scenario is made of. A scenario is one file, run by itself with REVERBD_PORT (and REVERBD_PATH) set; it exits with
// 0 if all of its assertions held.

const timeout = 60_000 // a safety net; pusher-js waits 15 s after a refused connection

const cleanups = []

// scenario runs one. Whatever is left open when it ends is closed.
export function scenario(run) {
  const timer = setTimeout(() => finish(new Error(`not done after ${timeout} ms; waiting for: ${[...waiting].join(', ')}`)), timeout)
  process.on('unhandledRejection', finish)
  let finished = false
  run().then(() => finish(), finish)

  async function finish(err) {
    if (finished) return
    finished = true
    clearTimeout(timer)
    if (err) console.error(err)
    setTimeout(() => process.exit(err ? 1 : 2), 5_000) // should a cleanup hang
    for (const cleanup of cleanups.reverse()) {
      try {
        await cleanup()
      } catch (e) {
        console.error('closing:', e)
      }
    }
    process.exit(err ? 1 : 0)
  }
}

// atEnd calls f when the scenario is over.
export function atEnd(f) {
  cleanups.push(f)
}

const waiting = new Set()

// until resolves with the first argument of an emitter's next event of that name.
export function until(emitter, name) {
  return waitFor(name, new Promise((resolve) => {
    const once = (data) => {
      emitter.unbind(name, once)
      resolve(data)
    }
    emitter.bind(name, once)
  }))
}

// waitFor names a promise, so that a timeout can say what it was that never came.
export async function waitFor(what, promise) {
  waiting.add(what)
  try {
    return await promise
  } finally {
    waiting.delete(what)
  }
}

// unique makes a name that no scenario beside this one uses.
export function unique(name) {
  return `${name}-${Math.random().toString(36).slice(2, 10)}`
}

// Inbox keeps the events that arrive, in their order, until the scenario takes them. Taking them one by one also shows that
// nothing else came in between.
export class Inbox {
  #events = []
  #takers = []

  put(...event) {
    const taker = this.#takers.shift()
    if (taker) taker(event)
    else this.#events.push(event)
  }

  // take resolves with the next event: [name, data].
  take(what = 'an event') {
    if (this.#events.length > 0) return Promise.resolve(this.#events.shift())
    return waitFor(what, new Promise((resolve) => this.#takers.push(resolve)))
  }

  // rest are the events that nobody took yet.
  get rest() {
    return this.#events
  }
}
