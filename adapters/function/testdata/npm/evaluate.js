// Evaluates JSONata for the tests: a question on each line, an answer for each.
const jsonata = require('jsonata')
const lines = require('readline').createInterface({ input: process.stdin })
let turn = Promise.resolve()
lines.on('line', (line) => {
  turn = turn.then(async () => {
    let answer
    try {
      const { expression, variables } = JSON.parse(line)
      const result = await jsonata(expression).evaluate(undefined, variables)
      answer = result === undefined ? { error: 'the expression has no result' } : { result }
    } catch (e) {
      answer = { error: String(e.message || e) }
    }
    process.stdout.write(JSON.stringify(answer) + '\n')
  })
})
