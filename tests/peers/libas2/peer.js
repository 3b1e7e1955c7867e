// An AS2 partner on top of libas2, for tests: it serves on a loopback port or sends one message, signed and, where `encrypt` names
// a cipher, encrypted.
//
// Facts go to standard output, one JSON object a line. `serve` ends when its standard input is closed, so that it never
// outlives the test that started it.
'use strict'

const fs = require('fs')
const http = require('http')
const { AS2Composer, AS2Parser, request } = require('libas2')

const tell = facts => process.stdout.write(JSON.stringify(facts) + '\n')

const agreement = options => ({
  host: {
    name: options.name,
    id: options.name,
    url: options.url,
    certificate: fs.readFileSync(options.cert),
    privateKey: fs.readFileSync(options.key),
    decrypt: options.decrypt,
    sign: options.sign,
    mdn: { async: false, signing: options.sign }
  },
  partner: {
    name: options.partnerName,
    id: options.partnerName,
    url: options.url,
    file: 'EDIFACT',
    certificate: fs.readFileSync(options.partnerCert),
    encrypt: options.encrypt || false,
    verify: true,
    mdn: { async: false, signing: options.signReceipts && options.sign }
  }
})

const report = disposition => ({
  explanation: disposition.explanation,
  original_message_id: disposition.notification.originalMessageId,
  disposition: disposition.notification.disposition,
  mic: disposition.notification.receivedContentMic
})

async function send (options) {
  const composer = new AS2Composer({
    message: {
      filename: options.filename,
      contentType: 'application/edifact',
      content: fs.readFileSync(options.payload, 'utf8')
    },
    agreement: agreement(options)
  })
  const { headers, body } = await composer.toRequestOptions()
  const response = await request({ url: options.url, headers, body })
  const mime = await response.mime()
  const mdn = await mime.dispositionIn({ cert: fs.readFileSync(options.partnerCert) })
  tell({ event: 'sent', message_id: headers['Message-ID'], http_status: response.statusCode, mdn: report(mdn) })
}

function serve (options) {
  const server = http.createServer(async (incoming, outgoing) => {
    const chunks = []
    for await (const chunk of incoming) chunks.push(chunk)
    const lines = []
    for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
      lines.push(`${incoming.rawHeaders[i]}: ${incoming.rawHeaders[i + 1]}\r\n`)
    }
    const mime = await AS2Parser.parse(Buffer.concat([Buffer.from(lines.join('') + '\r\n'), ...chunks]))
    const { contentNode, dispositionNode, disposition } = await mime.dispositionOut({ agreement: agreement(options) })
    tell({
      event: 'message',
      message_id: mime.messageId(),
      payload: contentNode && contentNode.content && Buffer.from(contentNode.content).toString('base64'),
      filename: contentNode && contentNode.filename,
      mdn: report(disposition)
    })
    const { headers, body } = await dispositionNode.buildObject()
    outgoing.writeHead(200, headers)
    outgoing.end(body)
  })
  server.listen(0, '127.0.0.1', () => tell({ event: 'listening', url: `http://127.0.0.1:${server.address().port}/` }))
  process.stdin.on('end', () => process.exit()).resume()
}

const [command, options] = process.argv.slice(2)
const run = { send, serve }[command]
run(JSON.parse(options))
