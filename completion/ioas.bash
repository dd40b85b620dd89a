# SPDX-License-Identifier: MIT
# bash completion of ioas(1)

# Names of the vectors in the file that --vectors names, or that is installed.
_ioas_vectors()
{
	local file=$1
	[[ -r $file ]] || return
	sed -n 's/^ *"id": *"\([A-Za-z0-9._-]*\)".*/\1/p' "$file" 2>/dev/null
}

_ioas_pt_options()
{
	local geometry='--levels --va-bits --oa-bits --granule --sign-extend
		--contiguous --dirty --s2fwb --c-bit'
	local tables='--root --base --root-pa --vector --vectors'

	case $1 in
	replay) echo --only --verbose --json --help ;;
	walk) echo --format --access --verbose --json --help $geometry $tables ;;
	show) echo --format --verbose --json --help $geometry $tables ;;
	explain) echo --format --level --verbose --json --help $geometry ;;
	esac
}

_ioas_pt()
{
	local verb=$1 cur=$2 prev=$3 file i

	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == --vectors ]] && file=${COMP_WORDS[i + 1]}
		[[ $verb == replay && -f ${COMP_WORDS[i]} ]] &&
			file=${COMP_WORDS[i]}
	done
	: "${file:=/usr/share/ioas/page-table-vectors.json}"
	case $prev in
	--format)
		COMPREPLY=($(compgen -W 'amdv1 vtdss x86_64 arm64_s1 arm64_s2
			riscv64 riscv64_x4 mock' -- "$cur"))
		return ;;
	--vector | --only)
		COMPREPLY=($(compgen -W "$(_ioas_vectors "$file")" -- "$cur"))
		return ;;
	--granule)
		COMPREPLY=($(compgen -W '4K 16K 64K' -- "$cur"))
		return ;;
	--access)
		COMPREPLY=($(compgen -W 'none r w rw x rx rwx' -- "$cur"))
		return ;;
	--root | --vectors)
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	--levels | --level | --va-bits | --oa-bits | --c-bit | --base | \
	--root-pa)
		return ;;
	esac
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$(_ioas_pt_options "$verb")" -- "$cur"))
	elif [[ $verb == replay ]]; then
		COMPREPLY=($(compgen -f -- "$cur"))
	fi
}

# Where the program stands in `ioas run ... PROGRAM`; where it is to stand.
_ioas_run_program()
{
	local i

	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--)
			((i++))
			break ;;
		--trace | --memlock | --mode | --report | --iommu)
			# "=" is a word of its own.
			if [[ ${COMP_WORDS[i + 1]} == = ]]; then
				((i += 2))
			elif [[ ${COMP_WORDS[i]} != --report ]]; then
				((i++))
			fi ;;
		--device)
			[[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
			((i++))
			# nvme,file=disk.img is three words, and so on.
			while [[ ${COMP_WORDS[i + 1]} == = ]]; do
				((i += 2))
			done ;;
		-*) ;;
		*) break ;;
		esac
	done
	echo $i
}

# The program has a completion of its own, if bash-completion is there.
_ioas_run_command()
{
	local cur=$1 at=$2

	if declare -F _command_offset >/dev/null; then
		_command_offset "$at"
	elif ((at == COMP_CWORD)); then
		COMPREPLY=($(compgen -c -- "$cur"))
	else
		COMPREPLY=($(compgen -f -- "$cur"))
	fi
}

_ioas_run()
{
	local cur=$1 prev=$2 at

	at=$(_ioas_run_program)
	if ((at < COMP_CWORD)) || [[ $prev == -- ]]; then
		_ioas_run_command "$cur" "$at"
		return
	fi
	if [[ $cur == = ]]; then
		cur=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	case $prev in
	--trace)
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	--report)
		# --report FILE would be a program.
		if [[ ${COMP_WORDS[COMP_CWORD]} == = ||
			${COMP_WORDS[COMP_CWORD - 1]} == = ]]; then
			COMPREPLY=($(compgen -f -- "$cur"))
			return
		fi ;;
	--mode)
		COMPREPLY=($(compgen -W 'auto namespace trap' -- "$cur"))
		return ;;
	--device)
		compopt -o nospace 2>/dev/null
		if [[ $cur == */* ]]; then
			COMPREPLY=($(compgen -f -- "$cur"))
		else
			COMPREPLY=($(compgen -W 'nvme,file= dma' -- "$cur"))
		fi
		return ;;
	file | *,file)
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	--iommu)
		COMPREPLY=($(compgen -W 'vtdss x86_64 amdv1 riscv64' -- "$cur"))
		return ;;
	--memlock)
		COMPREPLY=($(compgen -W 'unlimited' -- "$cur"))
		return ;;
	esac
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W '--device --iommu --test-abi
			--fault-injection --trace
			--report --memlock --mode --preload --force --quiet
			--verbose --help --' -- "$cur"))
	else
		_ioas_run_command "$cur" "$at"
	fi
}

_ioas()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		COMPREPLY=($(compgen -W 'run devices doctor pt --help --version' -- \
			"$cur"))
		return
	fi
	case ${COMP_WORDS[1]} in
	run) _ioas_run "$cur" "$prev" ;;
	devices)
		if [[ $cur == */* ]]; then
			COMPREPLY=($(compgen -f -- "$cur"))
		else
			COMPREPLY=($(compgen -W 'nvme dma --json --help' -- \
				"$cur"))
		fi ;;
	doctor) COMPREPLY=($(compgen -W '--verbose --json --help' -- "$cur")) ;;
	pt)
		if ((COMP_CWORD == 2)); then
			COMPREPLY=($(compgen -W 'replay walk explain show --help' \
				-- "$cur"))
		else
			_ioas_pt "${COMP_WORDS[2]}" "$cur" "$prev"
		fi ;;
	esac
}

complete -o filenames -F _ioas ioas
