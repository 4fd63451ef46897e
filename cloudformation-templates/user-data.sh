# Makes a new instance of the stack work. Runs once, as root, at the first start of the instance.
# The template puts these in front of it, with the values of its parameters:
# STACK, RESOURCE, REGION, S3_FOLDER (s3://bucket/path/), S3_REGION, WHEEL (an S3 URI, or empty: the package index).
# ROOT is empty but in tests.

set -eu
umask 022
export PATH="$PATH:/opt/aws/bin" AWS_REGION="$REGION" AWS_DEFAULT_REGION="$REGION" AWS_MAX_ATTEMPTS=5
ROOT=${ROOT-}
HOME_DIR=$ROOT/opt/dynamic-dynamodb
ETC_DIR=$ROOT/etc/dynamic-dynamodb
CONFIG=$ETC_DIR/dynamic-dynamodb.conf
EXAMPLE=$ROOT/usr/share/dynamic-dynamodb/example-dynamic-dynamodb.conf
S3_URI=${S3_FOLDER}dynamic-dynamodb.conf
USER_NAME=dynamic-dynamodb

begin() {
    step=$1
    echo "dynamic-dynamodb: $step"
}

finish() {
    code=$?
    chmod a+r "$ROOT"/var/log/cfn-*.log "$ROOT"/var/log/cloud-init*.log || :
    if [ "$code" -eq 0 ]; then
        reason="Dynamic DynamoDB works"
    else
        reason="Failed to $step. See /var/log/cloud-init-output.log of the instance."
    fi
    echo "dynamic-dynamodb: $reason"
    cfn-signal --exit-code "$code" --reason "$reason" --stack "$STACK" --resource "$RESOURCE" --region "$REGION" || :
}

install_tools() {
    dnf -y install aws-cfn-bootstrap util-linux
    for version in 3.13 3.12 3.11; do
        if dnf -y install "python$version"; then
            python=python$version
            return 0
        fi
    done
    return 1
}

install_package() {
    [ -x "$HOME_DIR/bin/python" ] || "$python" -m venv "$HOME_DIR"
    if [ -z "$WHEEL" ]; then
        # Versions before 3 are for Python 2.
        "$HOME_DIR/bin/pip" install --no-cache-dir 'dynamic-dynamodb>=3'
    else
        wheel=$HOME_DIR/${WHEEL##*/}
        aws s3 cp --only-show-errors --region "$S3_REGION" "$WHEEL" "$wheel"
        "$HOME_DIR/bin/pip" install --no-cache-dir "$wheel"
    fi
    "$HOME_DIR/bin/dynamic-dynamodb" --version
}

make_user() {
    id -u "$USER_NAME" >/dev/null 2>&1 ||
        useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /sbin/nologin "$USER_NAME"
}

# The key of the configuration if it is in S3, and nothing if it is not. To list tells "not there" from "refused".
find_in_s3() {
    bucket=${S3_FOLDER#s3://}
    key=${bucket#*/}dynamic-dynamodb.conf
    bucket=${bucket%%/*}
    aws s3api list-objects-v2 --region "$S3_REGION" --bucket "$bucket" --prefix "$key" \
        --query "Contents[?Key=='$key'].Key" --output text
}

fetch_configuration() {
    # The region of the stack is where its permissions are for.
    sed "s/^region: .*/region: $REGION/" "$EXAMPLE" >"$EXAMPLE.new"
    mv "$EXAMPLE.new" "$EXAMPLE"
    found=$(find_in_s3)
    install -d -m 0755 "$ETC_DIR"
    # It may hold secrets: nobody else can read it, at no time.
    install -m 0640 -o root -g "$USER_NAME" "$EXAMPLE" "$CONFIG"
    case $found in
        "" | None)
            echo "dynamic-dynamodb: $S3_URI is not there; the example is put there"
            aws s3 cp --only-show-errors --region "$S3_REGION" "$CONFIG" "$S3_URI"
            ;;
        *) aws s3 cp --only-show-errors --region "$S3_REGION" "$S3_URI" - >"$CONFIG" ;;
    esac
}

write_settings() {
    install -d "$ROOT/etc/sysconfig"
    printf "S3_URI='%s'\nS3_REGION='%s'\nexport AWS_DEFAULT_REGION='%s'\n" "$S3_URI" "$S3_REGION" "$REGION" \
        >"$ROOT/etc/sysconfig/dynamic-dynamodb"
}

start_service() {
    # chkconfig would do this, but may not be there.
    for level in 2 3 4 5; do
        install -d "$ROOT/etc/rc.d/rc$level.d"
        ln -sf ../init.d/dynamic-dynamodb "$ROOT/etc/rc.d/rc$level.d/S90dynamic-dynamodb"
    done
    # systemd makes a unit of the script, but would not start a killed daemon again, nor wait for a long update.
    drop_in=$ROOT/etc/systemd/system/dynamic-dynamodb.service.d
    install -d "$drop_in"
    printf '[Service]\nRestart=on-failure\nRestartSec=30\nTimeoutStopSec=340\n' >"$drop_in/restart.conf"
    systemctl daemon-reload
    command -v service >/dev/null || dnf -y install initscripts-service || :
    if command -v service >/dev/null; then
        service dynamic-dynamodb start
    else
        systemctl start dynamic-dynamodb
    fi
    # systemd takes some failures of an init script for success.
    systemctl is-active dynamic-dynamodb
}

trap finish EXIT
begin "install tools and Python"
install_tools
begin "write the files of the stack"
cfn-init --verbose --stack "$STACK" --resource "$RESOURCE" --region "$REGION"
begin "make the user $USER_NAME"
make_user
begin "install the package ${WHEEL:-dynamic-dynamodb}"
install_package
begin "get the configuration from $S3_URI"
fetch_configuration
write_settings
begin "start the service"
start_service
