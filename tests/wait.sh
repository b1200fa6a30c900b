#!/bin/sh
# scripts/wait against the emulator's S3, with results made by hand. Needs scripts/setup; stops what it starts.
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
emulator=''
trap '[ -z "$emulator" ] || kill "$emulator"; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# until_there FILE: bounded, so that a test that can't succeed ends.
until_there() {
    tries=0
    until [ -s "$1" ]; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || { echo "$1 did not come" >&2; exit 1; }
        sleep 0.1
    done
}

env -i PATH=/usr/bin:/bin HOME="$work" TMPDIR="$work" BIND_HOST=127.0.0.1 MINISTACK_HOST=127.0.0.1 IOT_MTLS_ENABLED=0 \
    SFTP_ENABLED=0 LOG_LEVEL=ERROR DOCKER_HOST=unix:///nonexistent AWS_EC2_METADATA_DISABLED=true \
    .tools/emulator/bin/python -I crates/local/python/emulator.py --port 0 --status "$work/status" >"$work/log" 2>&1 &
emulator=$!
until_there "$work/status"
port=$(sed -n 's/.*"port": *\([0-9]*\).*/\1/p' "$work/status")
[ -n "$port" ] || { cat "$work/status" "$work/log" >&2; exit 1; }

export AWS_ENDPOINT_URL="http://127.0.0.1:$port" AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
export AWS_DEFAULT_REGION=us-east-1 AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_PAGER=''
PATH=$PWD/.tools/aws/bin:$PATH

# upload KEY FILE: the version's id.
upload() { aws s3api put-object --bucket belay --key "$1" --body "$2" --query VersionId --output text; }

# result VERSION [JSON]: writes a result object for target shop.
result() {
    printf '%s\n' "$2" >"$work/result.$1"
    upload "results/shop/$1.json" "$work/result.$1" >/dev/null
}

# ended STATUS CODE [MORE]: a result as `notify` writes it.
ended() {
    printf '{\n  "status": "%s",\n  "run": "k3fq2zx7aa5b",\n  "execution": "arn:x",\n  "target": "shop",\n  "exitCode": %s%s\n}' \
        "$1" "$2" "${3:+,
  $3}"
}

failed=0
# expect NAME CODE PATTERN ARGUMENT...: runs scripts/wait; its exit code and all that it says must be so.
expect() {
    name=$1 code=$2 pattern=$3 && shift 3
    found=0
    scripts/wait --timeout 60 "$@" >"$work/said" 2>&1 || found=$?
    if [ "$found" = "$code" ] && grep -q -- "$pattern" "$work/said"; then
        echo "ok      $name"
    else
        echo "FAILED  $name: exit code $found instead of $code, or not \"$pattern\" in:"
        sed 's/^/        /' "$work/said"
        failed=1
    fi
}

aws s3api create-bucket --bucket belay >/dev/null
aws s3api put-bucket-versioning --bucket belay --versioning-configuration Status=Enabled
echo one >"$work/one.zip"
echo two >"$work/two.zip"
echo six >"$work/six.zip"

release=bundles/shop/release.zip
first=$(upload $release "$work/one.zip")
second=$(upload $release "$work/two.zip")
upload $release.zip "$work/six.zip" >/dev/null

expect 'no result yet' 3 'no result of version' "$work/two.zip" "s3://belay/$release" --timeout 0
result "$first" "$(ended rejected 4 '"failure": {"code": "Belay.Misnamed", "message": "a \"name\"\nis\u001b wrong", "place": {"file": "V3_x.sql", "line": 2}}')"
expect 'an older version is told by its content' 4 '^  V3_x.sql:2: a "name"$' "$work/one.zip" "s3://belay/$release"
result "$second" "$(ended unchanged 1)"
expect 'the newest version' 1 'shop: unchanged' "$work/two.zip" "s3://belay/$release"
third=$(upload $release "$work/one.zip")
result "$third" "$(ended up-to-date 0)"
expect 'of two versions with one content the newer' 0 'shop: up-to-date' "$work/one.zip" "s3://belay/$release"

result "$third" "$(ended superseded 2 "\"supersededBy\": \"$second\"")"
expect 'superseded is followed' 1 'shop: unchanged' "$work/one.zip" "s3://belay/$release"
result "$third" "$(ended superseded 2 "\"supersededBy\": \"$third\"")"
expect 'a circle ends' 3 'after 2 s' "$work/one.zip" "s3://belay/$release" --timeout 2
result "$third" "$(ended superseded 2)"
expect 'superseded by nobody' 2 'shop: superseded' "$work/one.zip" "s3://belay/$release"
result "$third" '{"status":"needs-operator","exitCode":2,"target":"shop","verified":{"applied":["V18__a.sql"],"missing":["V19__b.sql"]}}'
expect 'compact JSON is read too' 2 'not applied: V19__b.sql' "$work/one.zip" "s3://belay/$release"
result "$third" '{"status": "migra'
expect 'half a result is none' 3 'no result of version' "$work/one.zip" "s3://belay/$release" --timeout 0

# More than the 8 MiB at which the CLI uploads in parts; the ETag is then no hash of the file.
head -c 9437184 /dev/zero >"$work/large.zip"
aws s3 cp --quiet "$work/large.zip" s3://belay/bundles/shop/
version=$(aws s3api head-object --bucket belay --key bundles/shop/large.zip --query VersionId --output text)
result "$version" '{"status": "running", "run": "k3fq2zx7aa5b"}'
expect 'still running' 3 'still running after 1 s' "$work/large.zip" s3://belay/bundles/shop/ --timeout 1

# The result changes while it waits.
scripts/wait "$work/large.zip" s3://belay/bundles/shop/large.zip --timeout 60 >"$work/waited" 2>"$work/waiting" &
waiter=$!
tries=0
until grep -q 'running (run k3fq2zx7aa5b)' "$work/waiting"; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || break
    sleep 0.1
done
result "$version" "$(ended migrated 0)"
if wait "$waiter" && grep -q 'shop: migrated' "$work/waited"; then
    echo 'ok      running, then migrated'
else
    echo 'FAILED  running, then migrated:' && cat "$work/waiting" "$work/waited" && failed=1
fi

expect 'a result whose place is known' 0 'shop: migrated' "s3://belay/results/shop/$version.json"
expect 'a result that is not there yet' 3 'no result of version none' s3://belay/results/shop/none.json --timeout 0
expect 'a place that is no result' 64 usage s3://belay/runs/shop/none.json
expect 'a bundle without its place' 64 usage "$work/one.zip"
expect 'a longer key is another key' 69 'was it uploaded' "$work/six.zip" "s3://belay/$release"
aws s3api create-bucket --bucket plain >/dev/null
aws s3 cp --quiet "$work/one.zip" s3://plain/$release
expect 'a bucket without versions' 69 'must be versioned' "$work/one.zip" "s3://plain/$release"
expect 'no such bucket' 69 "can't be listed" "$work/one.zip" "s3://absent/$release"
expect 'no such file' 64 'there is no file' "$work/none.zip" "s3://belay/$release"
expect 'not under bundles/' 64 usage "$work/one.zip" s3://belay/release.zip
expect 'a timeout that is no number' 64 usage "$work/one.zip" "s3://belay/$release" --timeout soon

# S3 says 403 for a missing object to who may not list. The emulator can't, so that a program stands in for that answer.
mkdir "$work/bin"
cat >"$work/bin/aws" <<'AWS'
#!/bin/sh
case "$*" in
*results/*) echo 'An error occurred (AccessDenied) when calling the GetObject operation: Access Denied' >&2; exit 254 ;;
*) exec "$REAL_AWS" "$@" ;;
esac
AWS
chmod +x "$work/bin/aws"
REAL_AWS=$PWD/.tools/aws/bin/aws PATH=$work/bin:$PATH
export REAL_AWS
expect 'forbidden may be missing' 3 'or the right to read' "$work/two.zip" "s3://belay/$release" --timeout 0

exit $failed
