# Completion of interimap(1) for bash, installed as "interimap" in the folder
# of the completions.
_interimap()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev= opt= i
	local dir=${XDG_CONFIG_HOME:-$HOME/.config}/interimap
	local options='--allow-delete --config= --debug --delete --help --notify --quiet
	    --rename --repair --reset --target= --version --watch'

	COMPREPLY=()
	# The shell breaks words at "=".
	[ "$COMP_CWORD" -gt 0 ] && prev=${COMP_WORDS[COMP_CWORD - 1]}
	if [ "$cur" = = ]; then
		opt=$prev cur=
	elif [ "$prev" = = ] && [ "$COMP_CWORD" -gt 1 ]; then
		opt=${COMP_WORDS[COMP_CWORD - 2]}
	else
		opt=$prev
	fi
	# Options end at the first argument that is none, or at "--".
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--)		return ;;
		esac
	done
	case $opt in
	--config)
		mapfile -t COMPREPLY < <(cd "$dir" 2>/dev/null &&
		    compgen -f -- "$cur"; case $cur in
		    /*) compgen -f -- "$cur" ;; esac)
		compopt -o filenames 2>/dev/null
		return
		;;
	--target)
		local before=
		case $cur in
		*,*)	before=${cur%,*}, ;;
		esac
		mapfile -t COMPREPLY < <(compgen -P "$before" \
		    -W 'local remote database' -- "${cur##*,}")
		compopt -o nospace 2>/dev/null
		return
		;;
	esac
	case $cur in
	-*)
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		case ${COMPREPLY[*]} in
		*=)	compopt -o nospace 2>/dev/null ;;
		esac
		;;
	esac
}
complete -F _interimap interimap
