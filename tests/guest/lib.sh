# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the scripts in tests/guest share, on top of tests/lib.sh: guests that run a Linux (TCG, no disk, no network unless asked for), and in it
# our agent as /usr/sbin/fence_{virt,xvm} and Debian's as /opt/debian/fence_virt.
#
#   guests_up HOST [FILE=PATH...]     host_up and libvirt_up, with an image of the guests that has each FILE under PATH, too
#   guest_define HOST NAME FORM...    defines a guest that reaches its host by each FORM, one of
#                                       shared-serial, shared-channel   the socket that all guests share
#                                       vm-serial, vm-channel           a socket of its own, made by the hook
#                                       bind-serial, bind-channel       QEMU listens, in /run/guests (consoles are elsewhere:
#                                                                       fence_virtd connects to all it finds in a directory)
#                                     on ttyS1 or on the virtio port org.fencevirt.0, and
#                                       idle-serial, idle-channel       reads everything and does nothing: ttyS2, port "idle"
#                                       nic-BRIDGE                      a network card on a bridge of the host: eth0
#                                       clean-BRIDGE:ADDRESS            the same, with the filter clean-traffic for that address
#                                     NAME is unique among all hosts
#   guest_victim HOST NAME            defines and starts a domain that is only there to be fenced
#   guest_boot NAME...                starts them and waits until they take commands
#   guest_ready NAME...               only waits
#   guest_memory=MIB                  for those defined from now on [112]
#   guest_run NAME CMD                runs the shell command CMD there: output, errors and exit status are its own; 124: no
#                                     answer within $GUEST_SECONDS [60]; 125: the guest is gone. One at a time for each guest
#   guest_timed NAME CMD              the same, and the last line of output is how long that took by the guest's own clock, in
#                                     hundredths of a second
#   guest_network NAME ADDRESS/LEN [MAC]   sets up eth0, with multicast
#   guest_give_key NAME HOST          copies HOST's default.key to NAME's /etc/cluster/fence_xvm.key
#   guest_uuid NAME
#   guest_mac NAME                    of its card
#   guest_state NAME                  as virsh says it
#   guest_pid NAME                    its QEMU, in the host
#   guest_said NAME                   the end of what its console said
#   guest_fences LABEL NAME AGENT VICTIM   every action: NAME runs the command AGENT, VICTIM runs, and runs again at the end
#
#   serial_up HOST                    enables fence-virt-listen@serial.socket; sockets in /run/guests are served, too
#   group HOST NAME MEMBER...         these may fence each other
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

declare -A guest_host=()
guest_memory=112

guests_up() {
        local home=$1
        shift
        guest_image=$top/build-check/guest/$(basename "$0")
        "$top/tools/guest-image" "$guest_image" "$BUILD/src/agent/fence_virt=/usr/sbin/fence_virt" \
                "$BUILD/src/agent/fence_virt=/usr/sbin/fence_xvm" /usr/sbin/fence_virt=/opt/debian/fence_virt "$@" \
                >"$scratch/image" 2>&1 || die "no image of a guest: $(tail -n 1 "$scratch/image")"
        host_up "$home"
        guests_on "$home"
}

guests_on() { # HOST; what guests need of a host that is up
        local file
        for file in vmlinuz initrd; do
                put "$1" "/var/lib/guests/$file" <"$guest_image/$file"
        done
        put "$1" /etc/tmpfiles.d/guests.conf <<<"d /run/guests/console"
        host "$1" systemd-tmpfiles --create guests.conf
        printf '[Socket]\nListenStream=/run/guests/sink\nAccept=yes\n' | put "$1" /etc/systemd/system/sink.socket
        printf '[Service]\nStandardInput=socket\nStandardOutput=null\nExecStart=cat\n' |
                put "$1" /etc/systemd/system/sink@.service
        host "$1" systemctl daemon-reload
        host "$1" systemctl start sink.socket
        libvirt_up "$1"
}

guest_uuid() {
        local sum
        sum=$(md5sum <<<"$1")
        echo "${sum:0:8}-${sum:8:4}-4${sum:13:3}-8${sum:17:3}-${sum:20:12}"
}

guest_mac() {
        local sum
        sum=$(md5sum <<<"$1")
        echo "52:54:00:${sum:0:2}:${sum:2:2}:${sum:4:2}"
}

guest_card() { # NAME BRIDGE [ADDRESS]
        printf "<interface type='bridge'><mac address='%s'/><source bridge='%s'/><model type='virtio'/>" "$(guest_mac "$1")" "$2"
        [ -z "${3:-}" ] || printf "<filterref filter='clean-traffic'><parameter name='IP' value='%s'/></filterref>" "$3"
        printf '</interface>\n'
}

guest_port() { # NAME FORM; the device of a form
        local path source element target
        case $2 in
        nic-*)
                guest_card "$1" "${2#nic-}"
                return
                ;;
        clean-*)
                path=${2#clean-}
                guest_card "$1" "${path%:*}" "${path#*:}"
                return
                ;;
        shared-*) path=/run/fence-virt/serial.sock source="mode='connect'" ;;
        vm-*) path=/run/fence-virt/vm/$(guest_uuid "$1").sock source="mode='connect'" ;;
        bind-*) path=/run/guests/$1.${2#bind-} source="mode='bind'" ;;
        idle-*) path=/run/guests/sink source="mode='connect'" ;;
        *) die "no such form: $2" ;;
        esac
        case $2 in
        idle-serial) element=serial target="port='2'" ;;
        idle-channel) element=channel target="type='virtio' name='idle'" ;;
        *-serial) element=serial target="port='1'" ;;
        *-channel) element=channel target="type='virtio' name='org.fencevirt.0'" ;;
        esac
        printf "<%s type='unix'><source %s path='%s'>" $element "$source" "$path"
        [[ $2 = bind-* ]] || printf "<reconnect enabled='yes' timeout='1'/>"
        [[ $2 != shared-* && $2 != idle-* ]] || printf "<seclabel model='dac' relabel='no'/>"
        printf '</source><target %s/></%s>\n' "$target" $element
}

guest_xml() { # NAME FORM...
        local name=$1
        cat <<XML
<domain type='qemu'>
  <name>$name</name><uuid>$(guest_uuid "$name")</uuid>
  <memory unit='MiB'>$guest_memory</memory>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>/var/lib/guests/vmlinuz</kernel>
    <initrd>/var/lib/guests/initrd</initrd>
    <cmdline>console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off no_timer_check</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='maximum'/>
  <devices>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <serial type='unix'>
      <source mode='bind' path='/run/guests/console/$name'/>
      <log file='/run/guests/$name.log'/>
      <target port='0'/>
    </serial>
XML
        shift
        local form
        for form in "$@"; do
                guest_port "$name" "$form"
        done
        printf '  </devices>\n</domain>\n'
}

guest_define() { # HOST NAME FORM...
        local home=$1 name=$2
        shift
        guest_host[$name]=$home
        guest_xml "$@" | put "$home" "/run/guests/$name.xml"
        host "$home" virsh -q define "/run/guests/$name.xml" >"$scratch/define" 2>&1 ||
                die "cannot define $name: $(tail -n 1 "$scratch/define")"
}

guest_victim() {
        guest_host[$2]=$1
        domain_start "$1" "$2" "$(guest_uuid "$2")"
}

guest_boot() {
        local guest
        for guest in "$@"; do
                host "${guest_host[$guest]}" virsh -q start "$guest" >"$scratch/start" 2>&1 ||
                        die "cannot start $guest: $(tail -n 1 "$scratch/start")"
        done
        guest_ready "$@"
}

guest_answers() {
        GUEST_SECONDS=2 guest_run "$1" true
}

guest_ready() {
        local guest
        for guest in "$@"; do
                wait_until 90 guest_answers "$guest" || die "$guest takes no commands: $(guest_said "$guest")"
        done
}

guest_run() {
        python3 "$top/tests/guest/console.py" "$(root_of "${guest_host[$1]}")/run/guests/console/$1" \
                "${GUEST_SECONDS:-60}" "$2"
}

guest_timed() {
        guest_run "$1" "
                read -r before _ </proc/uptime
                $2
                status=\$?
                read -r after _ </proc/uptime
                echo \$((\${after%.*}\${after#*.} - \${before%.*}\${before#*.}))
                exit \$status"
}

guest_network() { # NAME ADDRESS/LEN [MAC]
        guest_run "$1" "
                ip link set eth0 down
                [ -z '${3:-}' ] || ip link set eth0 address '${3:-}'
                ip addr flush dev eth0
                ip link set eth0 up
                ip addr add $2 dev eth0
                ip route add 224.0.0.0/4 dev eth0" || die "$1 has no network"
}

guest_give_key() { # NAME HOST
        guest_run "$1" "
                mkdir -p /etc/cluster
                umask 077
                echo $(base64 -w 0 "$(root_of "$2")/etc/fence-virt/keys/default.key") | base64 -d >/etc/cluster/fence_xvm.key" ||
                die "$1 takes no key"
}

guest_state() {
        domain_state "${guest_host[$1]}" "$1"
}

guest_pid() {
        qemu_pid "${guest_host[$1]}" "$1"
}

guest_said() {
        host "${guest_host[$1]}" tail -c 300 "/run/guests/$1.log" | tr -c '[:print:]' ' '
}

guest_fences() {
        local label=$1 name=$2 agent=$3 victim=$4 home=${guest_host[$4]} pid
        check_equal "$label: status says that $victim runs" "Status: ON" "$(guest_run "$name" "$agent -o status -n $victim" 2>&1)"
        check "$label: list names $victim and its UUID, as running" \
                grep -qE "^$victim +$(guest_uuid "$victim") on\$" <<<"$(guest_run "$name" "$agent -o list" 2>&1)"
        check "$label: monitor" guest_run "$name" "$agent -o monitor"
        pid=$(guest_pid "$victim") # where there is none, 1 is looked for below, which is always there
        check "$label: off" guest_run "$name" "$agent -o off -n $victim"
        check "$label: off has ended the QEMU of $victim" qemu_gone "$home" "${pid:-1}"
        check_equal "$label: off has left $victim off" "shut off" "$(guest_state "$victim")"
        check_equal "$label: status says that it is off" "Status: OFF 2" \
                "$(guest_run "$name" "$agent -o status -n $victim; echo \$?" 2>&1 | tr '\n' ' ' | sed 's/ $//')"
        check "$label: on, by UUID" guest_run "$name" "$agent -o on -n $(guest_uuid "$victim")"
        check_equal "$label: on has started $victim" running "$(guest_state "$victim")"
        pid=$(guest_pid "$victim")
        check "$label: reboot" guest_run "$name" "$agent -o reboot -n $victim"
        check "$label: reboot has ended the QEMU of $victim" qemu_gone "$home" "${pid:-1}"
        check_equal "$label: and started another" running "$(guest_state "$victim")"
}

# --- the host's side -----------------------------------------------------------------------------------------------------
serial_up() {
        printf '[Channels]\nBindDirectory=/run/guests\n' | put "$1" /etc/fence-virt/channels.conf
        host "$1" systemctl enable --now fence-virt-listen@serial.socket >"$scratch/enable" 2>&1 ||
                die "the listener does not start: $(tail -n 1 "$scratch/enable")"
}

group() {
        local home=$1 name=$2
        shift 2
        printf '[Group]\nMembers=%s\n' "$*" | put "$home" "/etc/fence-virt/groups.d/$name.conf"
        host "$home" systemctl try-reload-or-restart fence-virt-exec.service
}
