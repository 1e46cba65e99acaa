// deploy/kubernetes is what the API server takes: right types, nothing missing, nothing misspelt, and all parts are named.
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { scenario } from '../lib/scenario.js'

const require = createRequire(import.meta.url)
const folder = new URL('../../../deploy/kubernetes/', import.meta.url)
const schemas = new URL('../node_modules/kubernetes-models/_schemas/', import.meta.url)
const read = async (name) => parse(await readFile(new URL(name, folder), 'utf8'))

// validate throws if an object is not one of its kind. The library's validators pass over keys that they do not know: a key that they
// never look at is misspelt, or in the wrong place.
function validate(object, name) {
  const [version, group = 'core'] = object.apiVersion.split('/').reverse()
  const capital = (word) => word[0].toUpperCase() + word.slice(1)
  const schema = require(fileURLToPath(new URL(`IoK8sApi${capital(group)}${capital(version)}${object.kind}.js`, schemas)))
  const ignored = new Set()
  const watched = (value, path) => {
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map((element, i) => watched(element, `${path}[${i}]`))
    const inside = Object.fromEntries(Object.entries(value).map(([key, v]) => [key, watched(v, `${path}.${key}`)]))
    for (const key of Object.keys(inside)) ignored.add(`${path}.${key}`)
    return new Proxy(inside, {
      get(target, key) {
        ignored.delete(`${path}.${String(key)}`)
        return target[key]
      },
    })
  }
  if (!schema.validate(watched(object, name))) throw new Error(JSON.stringify(schema.validate.errors))
  assert.deepEqual([...ignored], [])
}

scenario(async () => {
  const { resources } = await read('kustomization.yaml')
  assert.deepEqual([...resources, 'kustomization.yaml'].sort(), (await readdir(folder)).sort())
  const all = {}
  for (const name of resources) {
    const object = await read(name)
    validate(object, name)
    all[object.kind] = object
  }
  assert.deepEqual(Object.keys(all).sort(),
    ['ConfigMap', 'Deployment', 'HorizontalPodAutoscaler', 'PodDisruptionBudget', 'Service'])

  for (const [wrong, at] of [[{ minReadySecond: 5 }, /minReadySecond/], [{ minReadySeconds: 'x' }, /integer/]]) {
    const deployment = await read('deployment.yaml')
    Object.assign(deployment.spec, wrong)
    assert.throws(() => validate(deployment, 'a mistake'), at) // or nothing above says anything
  }

  const { template, selector } = all.Deployment.spec
  for (const labels of [selector.matchLabels, all.Service.spec.selector, all.PodDisruptionBudget.spec.selector.matchLabels]) {
    assert.deepEqual(labels, template.metadata.labels)
  }
  assert.equal(all.HorizontalPodAutoscaler.spec.scaleTargetRef.name, all.Deployment.metadata.name)
  const [{ envFrom, ports }] = template.spec.containers
  assert.equal(envFrom[0].configMapRef.name, all.ConfigMap.metadata.name)
  assert.equal(all.Service.spec.ports[0].targetPort, ports[0].name)

  const { REVERB_DRAIN_DELAY: delay, REVERB_DRAIN_TIMEOUT: over } = all.ConfigMap.data
  assert.ok(Number(delay) + Number(over) + 10 < template.spec.terminationGracePeriodSeconds)
})
