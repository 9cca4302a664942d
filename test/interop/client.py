"""Hands in the message on standard input with Python's smtplib.

client.py HOST PORT plain|starttls|tls USER PASSWORD FROM TO utf8|ascii bytes|object
USER '' is no login. 'object' lets the email package read and write the message anew (send_message).
"""
import email
import email.policy
import smtplib
import ssl
import sys

host, port, security, user, password, sender, recipient, charset, form = sys.argv[1:]
message = sys.stdin.buffer.read()
context = ssl._create_unverified_context()
if security == 'tls':
    server = smtplib.SMTP_SSL(host, int(port), context=context, local_hostname='python.client.test')
else:
    server = smtplib.SMTP(host, int(port), local_hostname='python.client.test')
with server:
    server.ehlo()
    if security == 'starttls':
        server.starttls(context=context)
        server.ehlo()
    if user:
        server.login(user, password)
    if form == 'object':
        policy = email.policy.SMTPUTF8 if charset == 'utf8' else email.policy.SMTP
        server.send_message(email.message_from_bytes(message, policy=policy), sender, [recipient])
    else:
        options = ['BODY=8BITMIME'] + (['SMTPUTF8'] if charset == 'utf8' else [])
        server.sendmail(sender, [recipient], message, options)
