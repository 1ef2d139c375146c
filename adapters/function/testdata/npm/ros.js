// Gives each resource of a ROS template, without functions and with what they
// stand for, to Alibaba's own classes of its type: they check the values, and
// what they do not know does not come back. Reads JSON, prints faults.
const fs = require('fs')
const os = require('os')
const path = require('path')
const ros = require('@alicloud/ros-cdk-core')
const modules = { RAM: require('@alicloud/ros-cdk-ram'), SLS: require('@alicloud/ros-cdk-sls') }
const template = JSON.parse(fs.readFileSync(0, 'utf8'))

const raw = ['PolicyDocumentUnchecked', 'AssumeRolePolicyDocument']
const lower = (name) => (name === name.toUpperCase() ? name.toLowerCase() : name[0].toLowerCase() + name.slice(1))
const camel = (v) => {
  if (Array.isArray(v)) return v.map(camel)
  if (v === null || typeof v !== 'object') return v
  return Object.fromEntries(Object.entries(v).map(([k, x]) => [lower(k), raw.slice(0, 1).includes(k) ? x : camel(x)]))
}
const sorted = (v) => {
  if (Array.isArray(v)) return v.map(sorted)
  if (v === null || typeof v !== 'object') return v
  return Object.fromEntries(Object.keys(v).sort().map((k) => [k, sorted(v[k])]))
}

let checked = 0
for (const [name, resource] of Object.entries(template.Resources)) {
  const [, product, type] = resource.Type.split('::')
  if (!modules[product]) continue
  checked++
  try {
    const out = fs.mkdtempSync(path.join(os.tmpdir(), 'ros-'))
    const app = new ros.App({ outdir: out })
    const stack = new ros.Stack(app, 'check')
    new modules[product]['Ros' + type](stack, name, camel(resource.Properties), true)
    app.synth()
    const made = JSON.parse(fs.readFileSync(path.join(out, 'check.template.json'), 'utf8')).Resources[name]
    fs.rmSync(out, { recursive: true })
    const [want, got] = [resource.Properties, made.Properties].map((v) => JSON.stringify(sorted(v)))
    if (want !== got) console.log(`${name}: Alibaba's class makes of it\n${got}\nnot\n${want}`)
  } catch (e) {
    console.log(`${name}: ${e.message || e}`)
  }
}
console.error(`${checked} resources`)
