// Reads s.yaml as Serverless Devs does, by its own parser, and prints the props
// of each function.
const Parse = require('@serverless-devs/parse-spec').default
const quiet = { debug() {}, info() {}, warn() {}, error: console.error, write() {} }
console.log = console.info = console.debug = () => {}
new Parse(process.argv[2], { argv: ['deploy'], logger: quiet }).start().then((spec) => {
  process.stdout.write(JSON.stringify(Object.fromEntries(spec.steps.map((s) => [s.projectName, s.props]))))
}).catch((e) => { console.error(e); process.exit(1) })
