#!/bin/bash
# Installs the foreign programs of test/interop on Debian 12, as root. Starts no service and changes nothing of a mail server that is
# already there. Postfix and Exim exclude each other as packages (both are "the" mail server), so Exim is only unpacked, into
# ${XDG_CACHE_HOME:-/var/cache}/staffetta-interop/exim, with its libraries installed in the ordinary way.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

programs=(postfix swaks msmtp curl fetchmail getmail6 dovecot-imapd nsd unbound iproute2 openssl python3 util-linux
  isync offlineimap3 mutt neomutt # read mailboxes
  claws-mail xvfb xdotool imagemagick) # a mail client in a window, and a screen for it
# swaks only recommends what it needs for TLS, isync what it needs to log in
recommended=(libnet-ssleay-perl libauthen-sasl-perl libsasl2-modules)
exim_libraries=(libdb5.3 libgnutls30 libgnutls-dane0 libidn12 libpcre2-8-0 libcrypt1 libnsl2)
exim=${XDG_CACHE_HOME:-/var/cache}/staffetta-interop/exim

# Debian starts a service as soon as it is installed, unless this file forbids it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi

missing() { # the packages among the arguments that are not installed
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

mapfile -t wanted < <(missing "${programs[@]}" "${recommended[@]}" "${exim_libraries[@]}")
if [ ${#wanted[@]} -gt 0 ] || [ ! -e "$exim/usr/sbin/exim4" ]; then apt-get update -q; fi

if [ ${#wanted[@]} -gt 0 ]; then
  # Without a configuration of its own, Debian's instance of Postfix cannot run; the tests bring theirs.
  if [ ! -e /etc/postfix/main.cf ]; then
    echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
  fi
  apt-get install -y -q --no-install-recommends --no-upgrade "${wanted[@]}"
fi

if [ ! -e "$exim/usr/sbin/exim4" ]; then
  work=$(mktemp -d)
  chmod 755 "$work"
  (cd "$work" && apt-get download -q -o APT::Sandbox::User=root exim4-daemon-light && dpkg -x ./exim4-daemon-light_*.deb root)
  # Not setuid: the tests start it as its own user, on high ports.
  chmod 755 "$work/root/usr/sbin/exim4"
  mkdir -p "$(dirname "$exim")"
  rm -rf "$exim"
  mv "$work/root" "$exim"
  rm -rf "$work"
fi

# The name is compiled in.
getent passwd Debian-exim > /dev/null || useradd --system --no-create-home --home-dir /var/spool/exim4 --shell /usr/sbin/nologin Debian-exim
echo "interop: $(postconf -d -h mail_version 2>/dev/null | sed 's/^/Postfix /'), $("$exim/usr/sbin/exim4" -bV 2>/dev/null | sed -n '1s/ #.*//p')"
