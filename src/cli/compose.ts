import MailComposer from 'nodemailer/lib/mail-composer'

/** A message as a person thinks of it. */
export interface Draft {
  readonly from: string
  readonly to: readonly string[]
  readonly cc: readonly string[]
  readonly subject: string | undefined
  readonly text: string | undefined
  readonly html: string | undefined
  readonly attachments: readonly { readonly filename: string; readonly content: Uint8Array }[]
  /** Further fields; those named here take the place of ours. */
  readonly headers: readonly { readonly key: string; readonly value: string }[]
}

/** The content (RFC 5322, MIME) with CRLF line ends, Date and Message-ID. */
export function compose(draft: Draft): Promise<Buffer> {
  const { from, subject, text, html } = draft
  const composer = new MailComposer({
    from,
    to: [...draft.to],
    cc: [...draft.cc],
    ...(subject === undefined ? {} : { subject }),
    ...(text === undefined ? {} : { text }),
    ...(html === undefined ? {} : { html }),
    attachments: draft.attachments.map(({ filename, content }) => ({ filename, content: Buffer.from(content) })),
    headers: draft.headers.map(({ key, value }) => ({ key, value })),
    newline: 'win',
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return composer.compile().build()
}
