set -eu
if [ "${1-}" != within ]; then
    mount --rbind / /within
    exec chroot /within sh /root/trial.sh within
fi
export STORAGE_DRIVER=vfs
image=localhost/license-portal
show() {
    buildah inspect --type image --format "$1" $image
}
root=$(buildah mount "$(buildah from --pull-never $image)")
user=$(show '{{.OCIv1.Config.User}}')
health=$(show '{{index .Docker.Config.Healthcheck.Test 3}}')
start=$(show '{{range .OCIv1.Config.Entrypoint}}{{.}} {{end}}{{range .OCIv1.Config.Cmd}}{{.}} {{end}}')
data=$(show '{{range $name, $_ := .OCIv1.Config.Volumes}}{{$name}}{{end}}')

# As with --read-only, and an empty volume that takes over the owner of its folder.
mount --bind "$root" /mnt
mount -o remount,bind,ro /mnt
mount -t tmpfs -o "uid=${user%:*},gid=${user#*:},mode=700" none "/mnt$data"
mount -t proc none /mnt/proc
mount --bind /dev /mnt/dev
within="chroot --userspec=$user /mnt env -i PATH=/usr/local/bin:/usr/bin:/bin LICENSE_PORTAL_LISTEN=0.0.0.0:8480
    LICENSE_PORTAL_URL=http://127.0.0.1:8480 LICENSE_PORTAL_MAIL_FOLDER=true LICENSE_PORTAL_DEVELOPMENT=true"
fail() {
    echo "container: $1"
    exit 1
}
[ "$($within id -u)" != 0 ] || fail "it runs as root"
! $within touch /tmp/file 2> /dev/null || fail "its root can be written to"
! $within bash -c "$health" 2> /dev/null || fail "it is healthy before it starts"
$within $start > /root/log 2>&1 &
for _ in $(seq 100); do
    sleep 0.1
    ! $within bash -c "$health" 2> /dev/null || break
done
$within bash -c "$health" || fail "it does not become healthy: $(cat /root/log)"
$within license-portal issue --email a@b.example > /dev/null
kill -TERM $!
wait $! || fail "it does not end when it is told to"
! $within bash -c "$health" 2> /dev/null || fail "it is healthy without a service"
echo "it serves as user $user, with a root that is read-only"
