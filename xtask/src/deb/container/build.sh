set -eu
# Layers are applied below a mount point, which the root of a chroot is not.
if [ "${1-}" != within ]; then
    mount --rbind / /within
    exec chroot /within sh /root/build.sh within
fi
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
base=$(buildah from scratch)
buildah add --quiet "$base" /root/base.tar /
buildah commit --quiet "$base" docker.io/library/debian:12-slim
buildah build --pull-never --format docker --tag license-portal /root/context
