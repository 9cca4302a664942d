"""What Python's imaplib does with a mailbox: prints one JSON object of what it saw.

imap.py PORT starttls|tls CERTIFICATE USER PASSWORD append|fetch|talk MAILBOX [FILE...]

append: the files, one after the other. fetch: the SHA-256 of each message. talk: commands of many kinds, in a new mailbox.
"""
import hashlib
import imaplib
import json
import re
import ssl
import sys

port, security, certificate, user, password, what, mailbox, *files = sys.argv[1:]
imaplib._MAXLINE = 10_000_000


def connect():
    context = ssl.create_default_context(cafile=certificate)
    if security == 'tls':
        server = imaplib.IMAP4_SSL('localhost', int(port), ssl_context=context)
    else:
        server = imaplib.IMAP4('localhost', int(port))
        assert 'LOGINDISABLED' in server.capabilities and 'AUTH=PLAIN' not in server.capabilities
        server.starttls(ssl_context=context)
    assert 'LOGINDISABLED' not in server.capabilities
    server.login(user, password)
    return server


def ok(answer):
    kind, data = answer
    assert kind == 'OK', answer
    return data


def append(server):
    uids = []
    for name in files:
        with open(name, 'rb') as file:
            # It waits for the continuation: no LITERAL+.
            answer = ok(server.append(mailbox, None, None, file.read()))
        uids.append(int(re.search(rb'APPENDUID \d+ (\d+)', answer[0]).group(1)))
    return {'uids': uids}


def fetch(server):
    count = int(ok(server.select(mailbox, readonly=True))[0])
    hashes = []
    for item in ok(server.fetch('1:*', '(UID RFC822.SIZE BODY.PEEK[])')):
        if item == b')':
            continue
        head, body = item
        assert int(re.search(rb'RFC822.SIZE (\d+)', head).group(1)) == len(body), head
        hashes.append(hashlib.sha256(body).hexdigest())
    assert len(hashes) == count
    return {'hashes': hashes}


def letter(subject, body='Good morning.\r\n'):
    return ('From: Bruno <bruno@staffetta.test>\r\nSubject: %s\r\n\r\n%s' % (subject, body)).encode()


def idle(server, other):
    """Without a method of imaplib: by hand."""
    heard = []
    server.send(b'X1 IDLE\r\n')
    assert server.readline().startswith(b'+ ')
    ok(other.append(mailbox, '\\Flagged', None, letter('pushed')))
    while not heard or b'EXISTS' not in heard[-1]:
        heard.append(server.readline().strip())
    ok(other.select(mailbox))
    ok(other.store('1', '+FLAGS', '(\\Answered)'))
    while b'Answered' not in heard[-1]:
        heard.append(server.readline().strip())
    ok(other.store('1', '+FLAGS.SILENT', '(\\Deleted)'))
    ok(other.expunge())
    while b'EXPUNGE' not in heard[-1]:
        heard.append(server.readline().strip())
    server.send(b'DONE\r\n')
    while not heard[-1].startswith(b'X1 '):
        heard.append(server.readline().strip())
    return [line.decode() for line in heard if b'RECENT' not in line]


def talk(server):
    seen = {}
    other = connect()
    ok(server.create(mailbox))
    assert ok(server.select(mailbox)) == [b'0']
    ok(server.append(mailbox, '(\\Seen $Work)', '"17-Jul-1996 02:44:25 -0700"', letter('b', 'second\r\n')))
    ok(server.append(mailbox, None, None, letter('a', 'first\r\n')))
    ok(server.append(mailbox, None, None, letter('Re: b', 'third\r\n')))
    ok(server.noop())
    seen['exists'] = server.response('EXISTS')[1][-1].decode()
    seen['date'] = ok(server.fetch('1', '(INTERNALDATE FLAGS)'))[0].decode()
    seen['sort'] = ok(server.sort('(SUBJECT)', 'UTF-8', 'ALL'))[0].decode()
    seen['thread'] = ok(server.thread('REFERENCES', 'UTF-8', 'ALL'))[0].decode()
    seen['search'] = ok(server.search(None, 'SUBJECT', '"b"', 'UNSEEN'))[0].decode()
    seen['text'] = ok(server.uid('SEARCH', 'BODY', 'FIRST'))[0].decode()
    seen['bad charset'] = server.search('X-NOTHING', 'ALL')[0]
    seen['partial'] = ok(server.fetch('2', '(BODY[TEXT]<1.3>)'))[0][1].decode()
    seen['copy'] = ok(server.copy('1:2', 'Archive'))[0].decode().split(']')[0].split()[0]
    seen['move'] = server.uid('MOVE', '3', 'Archive')[0]
    seen['archive'] = ok(server.status('Archive', '(MESSAGES UNSEEN UIDNEXT)'))[0].decode()
    seen['subscribed'] = ok(server.subscribe('Archive')) and ok(server.lsub())[0].decode()
    seen['quota'] = ok(server.getquotaroot('INBOX'))[0][0].decode()
    seen['rights'] = ok(server.myrights(mailbox))[0].decode()
    seen['namespace'] = ok(server.namespace())[0].decode()
    seen['missing'] = server.select('Nowhere')[0]
    ok(server.select(mailbox))
    ok(server.store('1:*', '+FLAGS', '\\Deleted'))
    seen['expunged'] = len(ok(server.expunge()))
    seen['idle'] = idle(server, other)
    ok(server.create('"Gr&APwA3w-e"'))
    ok(server.unselect())
    ok(server.enable('UTF8=ACCEPT'))
    seen['utf8'] = [line.decode() for line in ok(server.list('""', '"Gr*"'))]
    seen['utf8 select'] = ok(server.select('"Grüße"'))[0].decode()
    ok(other.append('"Gr&APwA3w-e"', None, None, letter('Süßes =?utf-8?q?und_S=C3=A4ures?=')))
    ok(server.noop())
    seen['utf8 search'] = ok(server.search(None, 'SUBJECT', '"süßes und säures"'))[0].decode()
    ok(server.close())
    ok(server.delete('"Grüße"'))
    ok(server.delete(mailbox))
    other.logout()
    return seen


connection = connect()
print(json.dumps({'append': append, 'fetch': fetch, 'talk': talk}[what](connection)))
assert connection.logout()[0] == 'BYE'
