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

_ioas()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		COMPREPLY=($(compgen -W 'pt --help --version' -- "$cur"))
	elif [[ ${COMP_WORDS[1]} == pt ]]; then
		if ((COMP_CWORD == 2)); then
			COMPREPLY=($(compgen -W 'replay walk explain show --help' \
				-- "$cur"))
		else
			_ioas_pt "${COMP_WORDS[2]}" "$cur" "$prev"
		fi
	fi
}

complete -o filenames -F _ioas ioas
