package tairtest

import (
	"net/http"
	"strconv"
)

func missing(parameter string) *refusal {
	return &refusal{http.StatusBadRequest, "Missing" + parameter, parameter + " is mandatory for this action."}
}

func invalid(parameter string) *refusal {
	return &refusal{http.StatusBadRequest, "InvalidParameter", "The specified parameter \"" + parameter + "\" is not valid."}
}

// params are the parameters of a call. The methods read them by the API's names.
type params map[string]string

// page reads PageSize and PageNumber.
func (p params) page(size, most int) (int, int, *refusal) {
	number := 1
	for name, into := range map[string]*int{"PageSize": &size, "PageNumber": &number} {
		if p[name] == "" {
			continue
		}
		n, err := strconv.Atoi(p[name])
		if err != nil || n < 1 || name == "PageSize" && n > most || n > 1<<20 {
			return 0, 0, invalid(name)
		}
		*into = n
	}
	return size, number, nil
}

// list reads Name.1, Name.2 and so on.
func (p params) list(name string) (values []string) {
	for n := 1; ; n++ {
		v, ok := p[name+"."+strconv.Itoa(n)]
		if !ok {
			return values
		}
		values = append(values, v)
	}
}

// tags reads Tag.N.Key and Tag.N.Value.
func (p params) tags(most int) (tags []tag, wrong *refusal) {
	for n := 1; ; n++ {
		prefix := "Tag." + strconv.Itoa(n)
		key, ok := p[prefix+".Key"]
		switch value := p[prefix+".Value"]; {
		case !ok:
			return tags, nil
		case checkTag(key, value) != "":
			return nil, invalid(prefix + "." + checkTag(key, value))
		case n > most:
			return nil, invalid("Tag")
		default:
			tags = append(tags, tag{key, value})
		}
	}
}
