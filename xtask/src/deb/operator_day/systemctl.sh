#!/bin/bash
# Stands in for systemd, which does not run in the clean root: starts and stops services, by Debian's init scripts or
# by their units.
set -eu
words=()
for word; do
    [[ $word == -* ]] || words+=("$word")
done
act=${words[0]}
name=${words[1]%.service}
if [[ $name == *.timer ]]; then
    # What the timer starts runs once, now.
    grep -q '^OnCalendar=' "/lib/systemd/system/$name"
    name=${name%.timer}
    act=start
fi
[ "$act" != enable ] || act=start
if [ -x "/etc/init.d/$name" ]; then
    exec "/etc/init.d/$name" "$act"
fi
[ "$act" = start ]
unit=/lib/systemd/system/$name.service
value() { sed -n "s/^$1=//p" "$unit"; }
exec setsid --fork runuser -u "$(value User)" -- env "$(value Environment)" $(value ExecStart) \
    </dev/null >>"/var/log/$name.log" 2>&1
