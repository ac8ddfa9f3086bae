#!/bin/sh
# Brings a set of backups back from tape with mt, dd, age, zstd and tar.
#
#   sh restore.sh list                      the sets of this kit
#   sh restore.sh tapes SET                 the cartridges a set is on
#   sh restore.sh get SET FOLDER [PATH...]  restore a set, or files and folders of it
#   sh restore.sh stream SET > FILE         its tar stream, or what its command wrote
#
# SET is a number or id from the list, or a name: then its newest set is taken. The files sets.txt,
# volumes.txt and tapes.txt of the kit must be in the folder of this script. Environment:
#
#   IDENTITY  file with the private key, plain or as "age -p" makes it (AGE-SECRET-KEY-1...)
#   TAPE      the drive, a node that does not rewind (default /dev/nst0)
#   TAPES     instead of a drive: a folder with a folder for each barcode, in that the tape files
#             file0000, file0001 and so on
#   LOAD      program that puts a cartridge into the drive: LOAD BARCODE; without it you are asked
#   COPY      the copy to begin with (default 1); the others are taken where it fails
#   WORK      folder with room for one segment (default /tmp)
set -u

here=$(cd "$(dirname "$0")" && pwd) || exit 1
TAPE=${TAPE:-/dev/nst0}
TAPES=${TAPES:-}
LOAD=${LOAD:-}
IDENTITY=${IDENTITY:-}
COPY=${COPY:-1}
loaded=
unlocked=
work=

say() { printf '%s\n' "$*" >&2; }
die() {
    say "restore.sh: $*"
    exit 1
}
need() { command -v "$1" >/dev/null 2>&1 || die "$1 is needed (package $2)"; }

# The number of the set called $1, or with the number or id $1, how many segments it has, whether
# it is a tree of files or the stream of a command, and a name for the file of that.
find_set() {
    found=
    while read -r number _ count what id name; do
        if [ "$number" = "$1" ] || [ "$id" = "$1" ] || [ "$name" = "$1" ]; then
            found=$number
            segments=$count
            form=$what
            plain=$(printf '%s' "$name" | tr / _)
        fi
    done <"$here/sets.txt"
    [ -n "$found" ] || die "no set is called $1; \"sh restore.sh list\" shows all of them"
}

# A private folder for one segment and the opened identity.
make_room() {
    umask 077
    work=$(mktemp -d "${WORK:-/tmp}/restore.XXXXXX") || die "no room below ${WORK:-/tmp}"
    trap 'forget_key; rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM HUP
}

# Asks for the identity's passphrase once, not for every segment.
open_identity() {
    if grep -q "^$1 .*drive" "$here/tapes.txt"; then
        [ -z "$TAPES" ] || die "the drive encrypted the set: only a drive can read it, not files"
        need stenc stenc
    elif ! grep -q "^$1 .*age" "$here/tapes.txt"; then
        return
    fi
    need age age
    [ -n "$IDENTITY" ] || die "the set is encrypted: set IDENTITY to the file with a key of the kit"
    [ -r "$IDENTITY" ] || die "cannot read $IDENTITY"
    if head -n 1 "$IDENTITY" | grep -q -e '^age-encryption.org/' -e 'BEGIN AGE ENCRYPTED'; then
        age -d -o "$work/identity" "$IDENTITY" || die "$IDENTITY cannot be opened"
        IDENTITY=$work/identity
    fi
}

# Whether the cartridge in the drive is the volume with the serial $1 and the id $2. Its first tape
# file is VOL1, HDR1, HDR2, UHL1 of 80 characters each; UHL1 has the id in columns 5 to 36.
is_loaded() {
    mt -f "$TAPE" rewind >/dev/null 2>&1 || return 1
    mt -f "$TAPE" setblk 0 >/dev/null 2>&1 || return 1
    labels=$(dd if="$TAPE" bs=1048576 2>/dev/null) || return 1
    case $labels in
    "VOL1$1"*) ;;
    *) return 1 ;;
    esac
    if [ "$(printf '%s' "$labels" | cut -c 245-276)" != "$2" ]; then
        say "the cartridge $1 was labelled anew: what is looked for is gone from it"
        return 2
    fi
}

# Has the cartridge $1 put into the drive.
insert() {
    if [ "$loaded" = "$1" ]; then return 0; fi
    forget_key
    loaded=
    while read -r barcode serial volume; do
        if [ "$barcode" = "$1" ]; then break; fi
    done <"$here/volumes.txt"
    tried=no
    while :; do
        is_loaded "$serial" "$volume"
        case $? in
        0)
            loaded=$1
            return 0
            ;;
        2) return 1 ;;
        esac
        if [ -n "$LOAD" ]; then
            if [ $tried = yes ]; then return 1; fi
            tried=yes
            "$LOAD" "$1" >&2 || return 1
            continue
        fi
        mt -f "$TAPE" offline >/dev/null 2>&1
        say "Put cartridge $1 into the drive $TAPE and press Enter; s and Enter for another copy."
        read -r answer </dev/tty || die "there is no terminal to ask on; set LOAD"
        if [ "$answer" = s ]; then return 1; fi
    done
}

# Gives the drive the key in tape file $1 of the cartridge in it, if that is not what it has.
unlock() {
    if [ "$unlocked" = "$loaded $1" ]; then return 0; fi
    unlocked=
    mt -f "$TAPE" asf "$1" || return 1
    dd if="$TAPE" bs=1048576 2>/dev/null | age -d -i "$IDENTITY" >"$work/key" || return 1
    stenc -f "$TAPE" -e mixed -k "$work/key" -a 1 --ckod >&2 || return 1
    rm -f "$work/key"
    unlocked="$loaded $1"
}

# Takes the key out of the drive again.
forget_key() {
    if [ -n "$unlocked" ]; then stenc -f "$TAPE" -e off >&2; fi
    unlocked=
}

# Puts the tape file of a segment into $piece and compares it with the kit.
# $1 barcode, $2 tape file, $3 block size, $4 length, $5 digest, $6 tape file with its key or -
read_piece() {
    if [ -n "$TAPES" ]; then
        piece=$TAPES/$1/$(printf 'file%04d' "$2")
        [ -r "$piece" ] || { say "there is no $piece"; return 1; }
    else
        insert "$1" || return 1
        piece=$work/segment
        if [ "$6" != - ]; then unlock "$6" || return 1; fi
        mt -f "$TAPE" asf "$2" || return 1
        dd if="$TAPE" of="$piece" bs="$3" 2>"$work/dd" || { cat "$work/dd" >&2; return 1; }
    fi
    length=$(($(wc -c <"$piece")))
    if [ "$length" != "$4" ]; then
        say "tape file $2 of $1 has $length bytes, not $4"
        return 1
    fi
    if command -v xxhsum >/dev/null 2>&1; then
        digest=$(xxhsum -q -H2 <"$piece" | cut -c 1-32)
        if [ "$digest" != "$5" ]; then
            say "tape file $2 of $1 is damaged"
            return 1
        fi
    fi
}

# Puts segment $2 of set $1 into $piece and its coding into $codec: from the cartridge in the drive
# if it is there, else from copy COPY, else from any other.
fetch() {
    grep "^$1 [0-9]* $2 " "$here/tapes.txt" >"$work/rows"
    for choice in loaded wanted other; do
        while read -r _ copy _ cartridge file block codec length wanted key <&3; do
            case $choice in
            loaded) if [ "$cartridge" != "$loaded" ]; then continue; fi ;;
            wanted) if [ "$copy" != "$COPY" ]; then continue; fi ;;
            other) if [ "$copy" = "$COPY" ]; then continue; fi ;;
            esac
            say "segment $2: tape file $file of $cartridge (copy $copy)"
            if read_piece "$cartridge" "$file" "$block" "$length" "$wanted" "$key"; then
                return 0
            fi
        done 3<"$work/rows"
    done
    say "segment $2 could not be read from any copy"
    return 1
}

# What was coded as $codec, in clear.
decode() {
    case $codec in
    none | drive) cat "$piece" ;;
    zstd | zstd+drive) zstd -q -dc "$piece" ;;
    age) age -d -i "$IDENTITY" "$piece" ;;
    zstd+age)
        { age -d -i "$IDENTITY" "$piece" || : >"$work/failed"; } | zstd -q -dc &&
            [ ! -e "$work/failed" ]
        ;;
    *) return 1 ;;
    esac
}

# The stream of the set $1: its segments in order.
stream() {
    number=0
    while [ "$number" -lt "$segments" ]; do
        fetch "$1" "$number" || return 1
        if ! decode; then
            say "segment $number cannot be decoded: is it the right key?"
            return 1
        fi
        number=$((number + 1))
    done
}

# Extracts a tar stream into the folder $1: GNU tar, else whatever tar there is.
unpack() {
    folder=$1
    shift
    if tar --version 2>/dev/null | grep -q 'GNU tar'; then
        tar -x -p --xattrs --xattrs-include='*' --acls --warning=no-timestamp -f - -C "$folder" "$@"
    else
        tar -x -p -f - -C "$folder" "$@"
    fi
}

get() {
    folder=$2
    mkdir -p "$folder" || exit 1
    set_id=$1
    shift 2
    if [ "$form" = stream ]; then
        [ $# -eq 0 ] || die "the set is what a command wrote: there are no files in it"
        case $plain in . | ..) plain=stream ;; esac
        [ ! -e "$folder/$plain" ] || die "$folder/$plain is there already"
        if ! stream "$set_id" >"$folder/$plain"; then
            rm -f "$folder/$plain"
            die "$folder/$plain was not restored"
        fi
        say "restored to $folder/$plain"
        return
    fi
    # Extracted as it was, not as this script keeps its own files.
    # Each side of the pipe is a shell of its own, and may end anywhere.
    : >"$work/stream.failed"
    {
        trap forget_key EXIT
        if stream "$set_id"; then rm -f "$work/stream.failed"; fi
    } | { (umask 022 && unpack "$folder" "$@") || : >"$work/tar.failed"; }
    stopped=
    if [ -e "$work/stream.failed" ]; then stopped="the stream "; fi
    if [ -e "$work/tar.failed" ]; then stopped="${stopped}tar "; fi
    if [ -n "$stopped" ]; then
        die "not everything was restored: ${stopped}failed"
    fi
    say "restored to $folder"
}

case ${1:-} in
list) cat "$here/sets.txt" ;;
tapes)
    [ $# -eq 2 ] || die "tapes SET"
    find_set "$2"
    while read -r set copy segment barcode file _; do
        if [ "$set" = "$found" ]; then
            echo "copy $copy, segment $segment: tape file $file of $barcode"
        fi
    done <"$here/tapes.txt"
    ;;
get | stream)
    [ $# -ge 2 ] || die "$1 SET"
    if [ "$1" = get ] && [ $# -lt 3 ]; then die "get SET FOLDER"; fi
    find_set "$2"
    if [ -z "$TAPES" ]; then need mt mt-st; fi
    if grep -q "^$found .*zstd" "$here/tapes.txt"; then need zstd zstd; fi
    make_room
    open_identity "$found"
    if [ "$1" = stream ]; then
        stream "$found" || exit 1
    else
        shift 2
        get "$found" "$@"
    fi
    ;;
*)
    sed -n '2,/^set -u/s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
