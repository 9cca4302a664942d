"""Fetches all mail with Python's poplib: each message as NUMBER.eml in the folder, the unique ids as `uids`.

pop3.py HOST PORT plain|stls|tls USER PASSWORD FOLDER keep|delete|delete-half
"""
import os
import poplib
import ssl
import sys

host, port, security, user, password, folder, then = sys.argv[1:]
context = ssl._create_unverified_context()
if security == 'tls':
    server = poplib.POP3_SSL(host, int(port), context=context)
else:
    server = poplib.POP3(host, int(port))
    if security == 'stls':
        server.stls(context=context)
assert 'UIDL' in server.capa() and 'TOP' in server.capa()
server.utf8()
server.user(user)
server.pass_(password)
count, octets = server.stat()
sizes = [int(line.split()[1]) for line in server.list()[1]]
assert len(sizes) == count and sum(sizes) == octets, (len(sizes), count, sum(sizes), octets)
with open(os.path.join(folder, 'uids'), 'wb') as file:
    file.write(b'\n'.join(line.split()[1] for line in server.uidl()[1]))
for number in range(1, count + 1):
    message = b''.join(line + b'\r\n' for line in server.retr(number)[1])
    assert len(message) == sizes[number - 1], (number, len(message), sizes[number - 1])
    with open(os.path.join(folder, '%d.eml' % number), 'wb') as file:
        file.write(message)
    header = server.top(number, 0)[1]
    assert message.startswith(b'\r\n'.join(header) + b'\r\n'), number
    if then == 'delete' or (then == 'delete-half' and number % 2 == 0):
        server.dele(number)
server.quit()
